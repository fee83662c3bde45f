/* SPDX-License-Identifier: BSD-2-Clause */
/* The capabilities that a capture needs instead of root. */
#ifndef SPF_RIGHTS_H
#define SPF_RIGHTS_H

#include <stdbool.h>

/* Those that are missing of CAP_BPF and CAP_PERFMON: "CAP_BPF and CAP_PERFMON"; NULL if none is.
 * Static. */
const char *rights_missing(void);

/* True if the kernel shows this user where its functions are, which takes CAP_SYSLOG. */
bool rights_show_addresses(void);

/* What a capture may be blind for otherwise; --doctor says what each backend is. */
#define RIGHTS_WITHOUT_ADDRESSES                                                                   \
	"without them what is spliced, unread at a close or written in pages may not be seen"

#endif
