/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything that traffic can grow has its maximum here, with the reason for the figure. */
#ifndef SPF_UTIL_LIMITS_H
#define SPF_UTIL_LIMITS_H

/* Connections watched at once. An etcd or Envoy of a big host holds a few thousand. */
#define LIMIT_CONNECTIONS 65536

/* Chunks that wait in the reorder stage, all connections together. */
#define LIMIT_REORDER_LEN (64u << 20)

#endif
