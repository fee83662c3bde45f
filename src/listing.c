/* SPDX-License-Identifier: BSD-2-Clause */
#include "listing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "capture/tcp_target.h"
#include "sink/json.h"
#include "sink/sink.h"
#include "util/xalloc.h"

enum { HOLDERS_MAX = 4 }; /* shown on a line */

/* One connection. The kernel may know one end alone: the other is elsewhere. */
struct row {
	const struct socket_entry *listener; /* NULL: none here */
	const struct socket_entry *server, *client;
};

static bool is_service(const struct socket_entry *e)
{
	return e->name && (e->listens || (e->type == SOCK_DGRAM && !e->peer));
}

static bool is_served_by(const struct socket_entry *e, const struct socket_entry *listener)
{
	static const u8 any[16], any_ipv4[16] = { [10] = 0xff, [11] = 0xff };
	const struct spf_tcp_end *at = &listener->end[0];

	if (e->family != listener->family || !e->name)
		return false;
	if (e->family == AF_UNIX)
		return !strcmp(e->name, listener->name);
	return e->end[0].port == at->port &&
	       (!memcmp(at->addr, e->end[0].addr, 16) || !memcmp(at->addr, any, 16) ||
		!memcmp(at->addr, any_ipv4, 16));
}

static const struct socket_entry *listener_of(const struct sockets *s, const struct socket_entry *e)
{
	for (size_t i = 0; i < s->cnt; i++)
		if (is_service(&s->list[i]) && is_served_by(e, &s->list[i]))
			return &s->list[i];
	return NULL;
}

/* The connection that e is an end of, told once: at its server's end where that is known. */
static bool row_of(const struct sockets *s, const struct socket_entry *e, struct row *row)
{
	const struct socket_entry *peer = sockets_find(s, e->peer);
	bool is_tcp = e->family == AF_INET;

	if (is_service(e) || (!peer && !is_tcp))
		return false;
	row->listener = listener_of(s, e);
	row->server = e;
	row->client = peer;
	if (row->listener)
		return true;
	if (!peer) { /* to another machine */
		row->server = NULL;
		row->client = e;
		return true;
	}
	if (listener_of(s, peer))
		return false;
	if (!is_tcp && !e->name != !peer->name)
		return e->name;
	return e->ino < peer->ino;
}

/* ---- for people ---- */

static void put_holders(struct buf *out, const struct socket_entry *e)
{
	size_t cnt = e ? e->holder_cnt : 0;

	if (!cnt)
		buf_putc(out, '?');
	for (size_t i = 0; i < cnt && i < HOLDERS_MAX; i++) {
		buf_puts(out, i ? " " : "");
		text_escape(out, bytes_str(e->holder[i].comm), false);
		buf_printf(out, "[%d]", e->holder[i].pid);
	}
	if (cnt > HOLDERS_MAX)
		buf_printf(out, " and %zu more", cnt - HOLDERS_MAX);
}

static const char *type_name(const struct socket_entry *e)
{
	if (e->family == AF_INET)
		return "tcp";
	return e->type == SOCK_STREAM ? "stream" : e->type == SOCK_DGRAM ? "dgram" : "seqpacket";
}

static void put_address(struct buf *out, const struct spf_tcp_end *end)
{
	char text[TCP_ADDR_LEN];

	tcp_print_addr(text, end->addr, end->port);
	buf_puts(out, text);
}

static void put_counts(struct buf *out, const struct row *r)
{
	uint32_t server = r->server ? r->server->unread : 0, client = r->client ? r->client->unread : 0;
	const struct socket_entry *any = r->server ? r->server : r->client;

	if (any->family == AF_INET)
		buf_printf(out, "  %" PRIu64 " bytes to the server, %" PRIu64 " to the client",
			   r->server ? r->server->received : r->client->sent,
			   r->server ? r->server->sent : r->client->received);
	if (server)
		buf_printf(out, "  %u not read by the server", server);
	if (client)
		buf_printf(out, "  %u not read by the client", client);
}

static void put_row(struct buf *out, const struct row *r)
{
	const struct socket_entry *any = r->server ? r->server : r->client;
	bool is_tcp = any->family == AF_INET;

	buf_puts(out, "    ");
	if (!r->listener)
		buf_printf(out, "%-9s ", type_name(any));
	if (r->client)
		put_holders(out, r->client);
	if (is_tcp) {
		buf_puts(out, r->client ? " " : "");
		put_address(out, r->client ? &r->client->end[0] : &r->server->end[1]);
	}
	buf_puts(out, " -> ");
	if (r->server)
		put_holders(out, r->server);
	if (!r->listener && is_tcp) {
		buf_puts(out, r->server ? " " : "");
		put_address(out, &r->client->end[1]);
	} else if (!r->listener && any->name) {
		buf_putc(out, ' ');
		buf_puts(out, any->name); /* which is printable */
	}
	put_counts(out, r);
	buf_putc(out, '\n');
}

static void put_service(struct buf *out, const struct socket_entry *e)
{
	buf_printf(out, "%-9s ", type_name(e));
	buf_puts(out, e->name);
	buf_puts(out, "  ");
	put_holders(out, e);
	if (e->unread)
		buf_printf(out, "  %u %s", e->unread,
			   e->listens ? "not accepted" : "bytes not read");
	buf_putc(out, '\n');
}

/* ---- as JSON ---- */

static void json_key(struct buf *out, const char *key)
{
	buf_printf(out, ",\"%s\":", key);
}

static void json_holders(struct buf *out, const char *key, const struct socket_entry *e)
{
	json_key(out, key);
	buf_putc(out, '[');
	for (size_t i = 0; e && i < e->holder_cnt; i++) {
		buf_printf(out, "%s{\"pid\":%d,\"comm\":", i ? "," : "", e->holder[i].pid);
		json_string(out, bytes_str(e->holder[i].comm));
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

static void json_begin(struct buf *out, const char *kind, const struct socket_entry *e)
{
	buf_printf(out, "{\"kind\":\"%s\",\"transport\":\"%s\",\"type\":\"%s\"", kind,
		   e->family == AF_INET ? "tcp" : "unix",
		   e->family == AF_INET ? "stream" : type_name(e));
}

static void json_row(struct buf *out, const struct row *r)
{
	const struct socket_entry *any = r->server ? r->server : r->client;

	json_begin(out, "connection", any);
	if (any->family == AF_INET) {
		buf_puts(out, ",\"addr\":\"");
		put_address(out, r->server ? &r->server->end[0] : &r->client->end[1]);
		buf_puts(out, "\",\"client_addr\":\"");
		put_address(out, r->client ? &r->client->end[0] : &r->server->end[1]);
		buf_putc(out, '"');
		buf_printf(out, ",\"bytes_to_server\":%" PRIu64 ",\"bytes_to_client\":%" PRIu64,
			   r->server ? r->server->received : r->client->sent,
			   r->server ? r->server->sent : r->client->received);
	} else if (any->name) {
		json_key(out, "addr");
		json_string(out, bytes_str(any->name));
	}
	json_holders(out, "client", r->client);
	json_holders(out, "server", r->server);
	if (r->server)
		buf_printf(out, ",\"unread_by_server\":%u", r->server->unread);
	if (r->client)
		buf_printf(out, ",\"unread_by_client\":%u", r->client->unread);
	buf_puts(out, "}\n");
}

static void json_service(struct buf *out, const struct socket_entry *e)
{
	json_begin(out, "listener", e);
	json_key(out, "addr");
	json_string(out, bytes_str(e->name));
	json_holders(out, "server", e);
	buf_printf(out, ",\"%s\":%u}\n", e->listens ? "not_accepted" : "unread", e->unread);
}

/* ---- all of it ---- */

static void put_rows(const struct row *rows, size_t cnt, const struct socket_entry *listener,
		     bool is_json, struct buf *out)
{
	for (size_t i = 0; i < cnt; i++) {
		if (rows[i].listener != listener)
			continue;
		if (is_json)
			json_row(out, &rows[i]);
		else
			put_row(out, &rows[i]);
	}
}

static int by_name(const void *a, const void *b)
{
	const struct socket_entry *x = *(const struct socket_entry *const *)a;
	const struct socket_entry *y = *(const struct socket_entry *const *)b;

	return x->family != y->family ? x->family - y->family : strcmp(x->name, y->name);
}

void listing_print(const struct sockets *s, bool is_json, struct buf *out)
{
	const struct socket_entry **services = xcalloc(s->cnt + 1, sizeof(struct socket_entry *));
	struct row *rows = xcalloc(s->cnt + 1, sizeof(*rows));
	size_t service_cnt = 0, row_cnt = 0;
	struct buf rest = { 0 };

	for (size_t i = 0; i < s->cnt; i++)
		if (is_service(&s->list[i]))
			services[service_cnt++] = &s->list[i];
		else
			row_cnt += row_of(s, &s->list[i], &rows[row_cnt]);
	qsort(services, service_cnt, sizeof(struct socket_entry *), by_name);
	for (size_t i = 0; i < service_cnt; i++) {
		if (is_json)
			json_service(out, services[i]);
		else
			put_service(out, services[i]);
		put_rows(rows, row_cnt, services[i], is_json, out);
	}
	put_rows(rows, row_cnt, NULL, is_json, &rest);
	if (rest.len && !is_json)
		buf_puts(out, "connections without a listener here\n");
	buf_append(out, buf_bytes(&rest));
	buf_release(&rest);
	free(rows);
	free(services);
	if (!out->len && !is_json)
		buf_puts(out, "there is no socket that is connected or listened on\n");
}
