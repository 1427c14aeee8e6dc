#!/bin/sh
# mutants.sh [FILES]: mutation testing of this package, of all files or of those that the expression FILES matches; see mutants.md.
#
# gremlins leaves out what Go's coverage does not count: the conditions of a case are in no block. So it gets a go command that reports each file
# as covered from end to end, and every mutant is put to the tests. go vet is off, for a test has to notice; and a property that fails is not
# shrunk, for nobody will read it.
set -eu
cd "$(dirname "$0")/../.."
gremlins=${GREMLINS:-"go run github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0"}
others=
for file in reference/route/*.go; do
	echo "${file##*/}" | grep -Eq "${1:-.}" || others="$others|${file##*/}"
done
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
cat >"$bin/go" <<END
#!/bin/sh
case " \$* " in *" -failfast "*) set -- "\$@" -rapid.shrinktime=1ns -rapid.nofailfile ;; esac
"$(command -v go)" "\$@" || exit
for arg; do
	case \$last in -coverprofile)
		awk -F: 'NR > 1 && !seen[\$1]++ { print \$1 ":1.1,99999.1 1 1" }' "\$arg" >"\$arg.all"
		cat "\$arg.all" >>"\$arg" ;;
	esac
	last=\$arg
done
END
chmod +x "$bin/go"
PATH=$bin:$PATH GOFLAGS="${GOFLAGS:-} -vet=off" \
	$gremlins unleash --workers 1 --timeout-coefficient "${COEFFICIENT:-40}" --exclude-files "^(${others#|})\$" ./reference/route
