/* Runs a target on the files named, without libFuzzer: what the archive gives an engine is tried where there is no clang.
 *
 *   cc driver.c session.a -lpthread -o session && ./session ../../../corpus/seeds/session/*
 */
#include <stdio.h>
#include <stdlib.h>

extern int LLVMFuzzerTestOneInput(char *data, size_t size);

/* What instrumented Go code calls of an engine that measures coverage. */
void __sanitizer_cov_8bit_counters_init(char *begin, char *end) { (void)begin; (void)end; }
void __sanitizer_cov_pcs_init(const void *begin, const void *end) { (void)begin; (void)end; }
void __sanitizer_cov_trace_cmp1(void) {}
void __sanitizer_cov_trace_cmp2(void) {}
void __sanitizer_cov_trace_cmp4(void) {}
void __sanitizer_cov_trace_cmp8(void) {}
void __sanitizer_cov_trace_const_cmp1(void) {}
void __sanitizer_cov_trace_const_cmp2(void) {}
void __sanitizer_cov_trace_const_cmp4(void) {}
void __sanitizer_cov_trace_const_cmp8(void) {}
void __sanitizer_weak_hook_strcmp(void) {}

int main(int argc, char **argv) {
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		if (!file) {
			perror(argv[i]);
			return 1;
		}
		static char data[1 << 20];
		size_t size = fread(data, 1, sizeof data, file);
		fclose(file);
		LLVMFuzzerTestOneInput(data, size);
	}
	printf("%d inputs hold\n", argc - 1);
	return 0;
}
