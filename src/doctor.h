/* SPDX-License-Identifier: BSD-2-Clause */
/* --doctor: what this kernel and these rights let spf see, and what would help. */
#ifndef SPF_DOCTOR_H
#define SPF_DOCTOR_H

/* Tries every backend out and prints what came of it. Returns the exit status: EXIT_OK if one
 * of them works. */
int doctor_main(void);

#endif
