/* SPDX-License-Identifier: BSD-2-Clause */
/* What a user types as SOCKET and means a TCP port: tcp:50051, tcp:*, 127.0.0.1:8080,
 * [::1]:8080, tcp:127.0.0.1:8080. */
#ifndef SPF_CAPTURE_TCP_TARGET_H
#define SPF_CAPTURE_TCP_TARGET_H

#include <stdbool.h>

#include "bpf/event.h"
#include "capture/chunk.h"

/* True if typed has the form of a TCP target: its first letters or its host say so. */
bool tcp_target_is(const char *typed);

/* Fills *t. *is_all is set for tcp:*, which has no address or port. Returns NULL, or one line
 * that says what is wrong; freed by the caller. */
char *tcp_target_parse(const char *typed, struct spf_tcp_target *t, bool *is_all);

/* The pattern of the printed addresses that it means; freed by the caller. */
char *tcp_target_pattern(const char *typed);

/* Prints an address as host:port, an IPv6 host in brackets. out holds TCP_ADDR_LEN bytes. */
enum { TCP_ADDR_LEN = 64 };
void tcp_print_addr(char *out, const u8 addr[16], u16 port);

/* The end as files have it. */
struct chunk_net tcp_net(const struct spf_tcp_end *end);

#endif
