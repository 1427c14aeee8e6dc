// Command natsroute certifies servers on the NATS cluster (route) protocol, and shows the protocol at work.
//
//	natsroute certify                                   the embedded reference server: needs nothing else
//	natsroute certify -s 127.0.0.1:6222 --client nats://127.0.0.1:4222
//	natsroute certify --launch nats-server@v2.15.2      build that version, start it, certify it, stop it
//	natsroute list                                      the requirements
//	natsroute show RT-HS-001                            one of them: where it comes from and what tests it
//	natsroute serve --cluster-port 6222                 run the reference server
//	natsroute fuzz --parser ./my-parser -o out          fuzz a parser that is not ours, over its standard input and output
//	natsroute parser                                    be such a parser: the reference's
//	natsroute decode capture.bin                        bytes of a route as one JSON line for each operation
//
// The package holds flags, addresses, exit codes and the printing of lists. What is tested is in package spec, how a run is
// judged and told is in spec/report, how a server is reached in harness.
//
// Exit codes: 0 conforms, or what was asked was done; 1 a MUST failed (decode: the bytes are malformed); 2 usage or
// configuration; 3 the target cannot be reached, or was lost; 4 a list of known failures is stale; 5 incomplete,
// interrupted, or nothing matched; 6 natsroute itself failed.
package main
