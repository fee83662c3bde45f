/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/tcp_target.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

enum { HOST_LEN = 64 };

static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };
static const u8 any_v4[16] = { [10] = 0xff, [11] = 0xff };

/* Splits host:port or [host]:port; host may be empty. Returns false if it has no such form. */
static bool split(const char *typed, char *host, const char **port)
{
	const char *colon = strrchr(typed, ':'), *from = typed, *to = colon;

	if (!colon)
		return false;
	if (*from == '[') {
		if (to == from || to[-1] != ']')
			return false;
		from++;
		to--;
	}
	if (to - from >= HOST_LEN)
		return false;
	memcpy(host, from, (size_t)(to - from));
	host[to - from] = '\0';
	*port = colon + 1;
	return true;
}

/* Reads an address into 16 bytes, IPv4 as ::ffff:a.b.c.d. */
static bool parse_host(const char *host, u8 addr[16])
{
	memcpy(addr, mapped, sizeof(mapped));
	return inet_pton(AF_INET, host, addr + 12) == 1 || inet_pton(AF_INET6, host, addr) == 1;
}

bool tcp_target_is(const char *typed)
{
	char host[HOST_LEN];
	const char *port;
	u8 addr[16];

	return !strncmp(typed, "tcp:", 4) || (split(typed, host, &port) && parse_host(host, addr));
}

char *tcp_target_parse(const char *typed, struct spf_tcp_target *t, bool *is_all)
{
	const char *rest = strncmp(typed, "tcp:", 4) ? typed : typed + 4, *port = rest;
	char host[HOST_LEN] = "", *end;
	unsigned long v;

	memset(t, 0, sizeof(*t));
	*is_all = !strcmp(rest, "*");
	if (*is_all)
		return NULL;
	if (strchr(rest, ':') && !split(rest, host, &port))
		return xasprintf("%s: write tcp:PORT, HOST:PORT or [IPv6]:PORT", typed);
	if (*host && strcmp(host, "*") && !parse_host(host, t->addr))
		return xasprintf("%s: %s is no IP address", typed, host);
	if (!memcmp(t->addr, any_v4, sizeof(any_v4))) /* as listeners are listed; no end has it */
		memset(t->addr, 0, sizeof(t->addr));
	v = strtoul(port, &end, 10);
	if (end == port || *end || v == 0 || v > 65535)
		return xasprintf("%s: a TCP port is a number from 1 to 65535", typed);
	t->port = (u16)v;
	return NULL;
}

char *tcp_target_pattern(const char *typed)
{
	static const u8 any[16];
	struct spf_tcp_target t;
	char text[TCP_ADDR_LEN], *why;
	bool is_all;

	why = tcp_target_parse(typed, &t, &is_all);
	free(why);
	if (is_all)
		return xstrdup("*:*");
	if (!memcmp(t.addr, any, sizeof(any)))
		return xasprintf("*:%u", t.port);
	tcp_print_addr(text, t.addr, t.port);
	return xasprintf("%s%s", text[0] == '[' ? "\\" : "", text); /* no set of characters */
}

void tcp_print_addr(char *out, const u8 addr[16], u16 port)
{
	char host[INET6_ADDRSTRLEN];

	if (!memcmp(addr, mapped, sizeof(mapped))) {
		inet_ntop(AF_INET, addr + 12, host, sizeof(host));
		snprintf(out, TCP_ADDR_LEN, "%s:%u", host, port);
	} else {
		inet_ntop(AF_INET6, addr, host, sizeof(host));
		snprintf(out, TCP_ADDR_LEN, "[%s]:%u", host, port);
	}
}

struct chunk_net tcp_net(const struct spf_tcp_end *end)
{
	struct chunk_net n = { .family = 6, .port = end->port };

	memcpy(n.ip, end->addr, sizeof(n.ip));
	if (memcmp(end->addr, mapped, sizeof(mapped)))
		return n;
	n = (struct chunk_net){ .family = 4, .port = end->port };
	memcpy(n.ip, end->addr + 12, 4);
	return n;
}
