/* SPDX-License-Identifier: BSD-2-Clause */
/* spf among Wireshark's interfaces: https://www.wireshark.org/docs/wsdg_html_chunked/ChCaptureExtcap.html
 *
 *     spf --extcap-interfaces                                  lists the sockets that are served
 *     spf --extcap-dlts --extcap-interface=spf:/run/app.sock   raw IP
 *     spf --capture --extcap-interface=… --fifo=FILE           captures into the pipe
 */
#ifndef SPF_EXTCAP_H
#define SPF_EXTCAP_H

#include <stdbool.h>

/* True if it is Wireshark who calls. */
bool extcap_is_asked(int argc, char **argv);

/* Answers; returns the exit status. A capture goes on as spf -w - SOCKET in this process. */
int extcap_main(int argc, char **argv);

#endif
