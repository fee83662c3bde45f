/* SPDX-License-Identifier: BSD-2-Clause */
/* The capabilities that a capture needs instead of root. */
#ifndef SPF_RIGHTS_H
#define SPF_RIGHTS_H

/* Those that are missing of CAP_BPF and CAP_PERFMON: "CAP_BPF and CAP_PERFMON"; NULL if none is.
 * Static. */
const char *rights_missing(void);

#endif
