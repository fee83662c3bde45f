/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/pcapng_write.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/pcapng_block.h"
#include "capture/tcp_make.h"
#include "capture/words.h"
#include "util/limits.h"
#include "util/xalloc.h"

#define BUFFER_LEN (256u << 10)
#define CONNS_PER_HOST 60000 /* ports of one made-up client address */
#define PREFACE BYTES_LIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

struct interface {
	uint32_t id;     /* in its file */
	uint32_t file;   /* which is the file-th */
	uint32_t number; /* for addresses, the same in all files */
	uint64_t received, dropped;
	char *name;
};

/* A connection as it stands in the file. */
struct wconn {
	uint32_t file;         /* in which its OPEN stands */
	struct interface *interface;
	struct chunk open;     /* its facts, for the next file */
	char *addr;
	struct chunk_net net[2];
	uint32_t base[2];      /* sequence number of offset 0 */
	uint64_t end[2];       /* offset after what was seen */
	uint64_t lost[2];      /* bytes missing before the next packet */
	enum gap_cause cause[2];
	bool closed[2];
	bool is_unknown;       /* it had no OPEN */
	bool is_h2;            /* Wireshark will know, or it is too late to tell it */
	struct wconn *newer, *older;
};

struct pcapng_writer {
	struct pcapng_options o;
	int *fds;
	size_t fd_cnt, fd_at;
	uint32_t file;         /* count of files begun */
	int64_t epoch_ns, start_ns;
	int64_t file_start_ns; /* of the first chunk in the file */
	int64_t ts_ns;         /* of the newest chunk */
	uint64_t written;      /* bytes of this file, buffered ones too */
	int error;
	struct buf out;
	struct buf words;
	struct buf note;
	struct hash conns;     /* both socks -> struct wconn */
	struct wconn *newest, *oldest;
	uint32_t conn_cnt;     /* ever */
	size_t open_cnt;
	struct hash by_name;   /* hash of the name -> struct interface */
	struct interface other; /* takes what is past LIMIT_WRITE_INTERFACES */
	uint32_t interface_cnt; /* in this file */
	struct strings kept;
};

static int64_t epoch_of(const struct pcapng_writer *w, int64_t ts_ns)
{
	return ts_ns + w->epoch_ns;
}

int pcapng_flush(struct pcapng_writer *w)
{
	while (!w->error && w->out.len) {
		struct bytes b = buf_bytes(&w->out);
		ssize_t n = write(w->fds[w->fd_at], b.p, b.len);

		if (n >= 0)
			buf_consume(&w->out, (size_t)n);
		else if (errno == EAGAIN)
			poll(&(struct pollfd){ w->fds[w->fd_at], POLLOUT, 0 }, 1, -1);
		else if (errno != EINTR)
			w->error = -errno;
	}
	return w->error;
}

static void begin_file(struct pcapng_writer *w)
{
	w->file++;
	w->interface_cnt = 0;
	buf_consume(&w->words, w->words.len);
	buf_puts(&w->words, "spf: capture epoch=");
	words_put_time(&w->words, w->epoch_ns);
	buf_puts(&w->words, " start=");
	words_put_time(&w->words, w->start_ns);
	block_section(&w->out, "spf " SPF_VERSION, buf_bytes(&w->words));
}

static bool is_in_file(const struct pcapng_writer *w, const struct interface *i)
{
	return i->name && i->file == w->file;
}

static void put_stats(struct pcapng_writer *w)
{
	struct interface *i;
	size_t at = 0;

	while ((i = hash_each(&w->by_name, &at)))
		if (is_in_file(w, i))
			block_stats(&w->out, i->id, epoch_of(w, w->ts_ns), i->received, i->dropped,
				    bytes_of(NULL, 0));
	if (is_in_file(w, &w->other))
		block_stats(&w->out, w->other.id, epoch_of(w, w->ts_ns), w->other.received,
			    w->other.dropped, bytes_of(NULL, 0));
}

static void rotate(struct pcapng_writer *w)
{
	put_stats(w);
	if (pcapng_flush(w))
		return;
	w->fd_at = (w->fd_at + 1) % w->fd_cnt;
	/* the first round finds empty files; a pipe cannot be emptied, and need not */
	if (ftruncate(w->fds[w->fd_at], 0) == 0)
		lseek(w->fds[w->fd_at], 0, SEEK_SET);
	w->written = 0;
	begin_file(w);
}

static struct interface *interface_of(struct pcapng_writer *w, const char *name)
{
	struct interface *i = NULL;
	uint64_t key = 0xcbf29ce484222325ull;

	if (!name || !*name)
		name = "(unnamed)";
	for (const char *s = name; *s; s++)
		key = (key ^ (uint8_t)*s) * 0x100000001b3ull;
	key |= 1;
	i = hash_get(&w->by_name, key);
	if (i && strcmp(i->name, name))
		i = &w->other;
	if (!i && w->by_name.cnt == LIMIT_WRITE_INTERFACES)
		i = &w->other;
	if (!i) {
		i = xcalloc(1, sizeof(*i));
		i->name = xstrdup(name);
		i->number = (uint32_t)w->by_name.cnt + 1;
		hash_put(&w->by_name, key, i);
	}
	if (!i->name)
		i->name = xstrdup("(other)");
	if (i->file != w->file) {
		i->file = w->file;
		i->id = w->interface_cnt++;
		block_interface(&w->out, bytes_str(i->name));
	}
	return i;
}

static void conn_remove(struct pcapng_writer *w, struct wconn *k)
{
	hash_del(&w->conns, k->open.sock);
	if (k->open.peer)
		hash_del(&w->conns, k->open.peer);
	*(k->newer ? &k->newer->older : &w->newest) = k->older;
	*(k->older ? &k->older->newer : &w->oldest) = k->newer;
	w->open_cnt--;
	free(k->addr);
	free(k);
}

/* Addresses for what has none: the listening address by its interface, the client by number. */
static void make_up_addresses(struct pcapng_writer *w, struct wconn *k)
{
	uint32_t host = w->conn_cnt / CONNS_PER_HOST, port = w->conn_cnt % CONNS_PER_HOST;
	uint32_t path = k->interface->number;
	int server = k->open.role != ROLE_SERVER; /* the end that stands for the server */

	k->net[server] = (struct chunk_net){ 4, { 10, 83, (uint8_t)(path >> 8), (uint8_t)path }, 80 };
	k->net[!server] = (struct chunk_net){ 4, { 10, 84, (uint8_t)(host >> 8), (uint8_t)(host + 1) },
					      (uint16_t)(port + 1025) };
}

static void keep_ends(struct pcapng_writer *w, struct wconn *k, const struct chunk *c)
{
	for (int i = 0; i < 2; i++) {
		k->open.end[i] = c->end[i];
		if (c->end[i].exe)
			k->open.end[i].exe = strings_keep(&w->kept, c->end[i].exe);
	}
}

static struct wconn *conn_new(struct pcapng_writer *w, const struct chunk *c)
{
	struct wconn *k = xcalloc(1, sizeof(*k));

	/* conn/ watches no more than these either: the oldest goes */
	if (w->open_cnt == LIMIT_CONNECTIONS)
		conn_remove(w, w->oldest);
	k->open = *c;
	k->addr = c->addr ? xstrdup(c->addr) : NULL;
	k->open.addr = k->addr;
	keep_ends(w, k, c);
	for (int i = 0; i < 2; i++) {
		k->net[i] = c->net[i];
		k->base[i] = 1;
	}
	k->interface = interface_of(w, c->addr);
	if (!c->net[0].family || c->net[0].family != c->net[1].family)
		make_up_addresses(w, k);
	w->conn_cnt++;
	w->open_cnt++;
	hash_put(&w->conns, c->sock, k);
	if (c->peer)
		hash_put(&w->conns, c->peer, k);
	k->older = w->newest;
	*(w->newest ? &w->newest->newer : &w->oldest) = k;
	w->newest = k;
	return k;
}

/* One packet of direction dir at offset off. */
static void put_segment(struct pcapng_writer *w, struct wconn *k, int dir, uint8_t flags,
			uint32_t seq, struct bytes data, int64_t ts_ns, struct bytes comment)
{
	struct bytes comments[2] = { comment, buf_bytes(&w->note) };
	uint8_t head[TCP_MAKE_HEAD];
	struct segment s = {
		.src = k->net[dir],
		.dst = k->net[!dir],
		.seq = seq,
		.ack = flags & TCP_ACK ? k->base[!dir] + (uint32_t)k->end[!dir] : 0,
		.flags = flags,
		.data = data,
		.len = (uint32_t)data.len,
	};
	size_t head_len = tcp_make(&s, head);

	block_packet(&w->out, k->interface->id, epoch_of(w, ts_ns), bytes_of(head, head_len), data,
		     comments);
	buf_consume(&w->note, w->note.len);
}

static uint32_t seq_of(const struct wconn *k, int dir, uint64_t off)
{
	return k->base[dir] + (uint32_t)off;
}

/* The facts of c as "spf: what …" into w->words. What the packet says itself is left out. */
static struct bytes facts(struct pcapng_writer *w, const char *what, const struct chunk *chunk)
{
	struct chunk c = *chunk;

	c.ts_ns = 0;
	if (c.kind == CHUNK_DATA && c.len == c.data.len)
		c.len = 0;
	buf_consume(&w->words, w->words.len);
	buf_puts(&w->words, "spf: ");
	buf_puts(&w->words, what);
	words_print(&w->words, &c);
	return buf_bytes(&w->words);
}

static void put_open(struct pcapng_writer *w, struct wconn *k, int64_t ts_ns)
{
	static const struct bytes none;
	bool again = k->file != 0;
	struct chunk c = k->open;
	struct bytes text;

	k->file = w->file;
	k->interface = interface_of(w, k->addr);
	k->is_h2 = false; /* who opens this file has not seen what the one before told */
	c.early = c.early && !again;
	text = k->is_unknown ? BYTES_LIT("spf: made up (this connection was never announced)") :
			       facts(w, "open", &c);
	if (again && !k->is_unknown) {
		buf_puts(&w->words, " again=1");
		text = buf_bytes(&w->words);
	}
	if (!c.early) {
		put_segment(w, k, 0, TCP_ACK, seq_of(k, 0, k->end[0]), none, ts_ns, text);
		return;
	}
	/* a SYN by whoever is the client; the facts are on the first packet */
	for (int i = 0, dir = c.role == ROLE_SERVER; i < 2; i++, dir = !dir)
		put_segment(w, k, dir, i ? TCP_SYN | TCP_ACK : TCP_SYN, seq_of(k, dir, 0) - 1, none,
			    ts_ns, i ? BYTES_LIT("spf: made up (handshake)") : text);
}

/* True if data may begin with an HTTP/2 frame: RFC 9113 §4.1 and §6. */
static bool looks_like_h2(struct bytes in)
{
	uint32_t len, id;
	uint8_t type, flags;

	if (!bytes_get_u24(&in, &len) || !bytes_get_u8(&in, &type) || !bytes_get_u8(&in, &flags) ||
	    !bytes_get_u32(&in, &id) || id >> 31)
		return false;
	switch (type) {
	case 0: /* DATA */
		return id && len <= 1u << 20 && !(flags & ~0x09u);
	case 1: /* HEADERS */
		return id && len && len <= 1u << 14 && !(flags & ~0x2du);
	case 3: /* RST_STREAM */
		return id && len == 4 && !flags;
	case 4: /* SETTINGS */
		return !id && len % 6 == 0 && len <= 600 && flags <= 1 && (!flags || !len);
	case 6: /* PING */
		return !id && len == 8 && flags <= 1;
	case 7: /* GOAWAY */
		return !id && len >= 8 && len <= 4096 && !flags;
	case 8: /* WINDOW_UPDATE */
		return len == 4 && !flags;
	}
	return false;
}

/* Wireshark finds HTTP/2 by the client preface alone. Where the capture has none in time, one
 * that nobody sent goes before the first frame. */
static void tell_h2(struct pcapng_writer *w, struct wconn *k, const struct chunk *c)
{
	int client = k->open.role == ROLE_SERVER;
	struct bytes preface = PREFACE;

	if (k->is_h2)
		return;
	if (bytes_has_prefix(c->data, preface)) {
		k->is_h2 = true;
		return;
	}
	if (!looks_like_h2(c->data))
		return;
	k->is_h2 = true;
	put_segment(w, k, client, TCP_ACK | TCP_PSH, seq_of(k, client, k->end[client]), preface,
		    c->ts_ns, BYTES_LIT("spf: made up (this preface tells Wireshark that HTTP/2 follows)"));
	k->base[client] += (uint32_t)preface.len;
}

static void note_loss(struct pcapng_writer *w, struct wconn *k, int dir, const struct chunk *c)
{
	if (k->lost[dir])
		buf_printf(&w->note, "%llu bytes before this packet are missing. ",
			   (unsigned long long)k->lost[dir]);
	k->lost[dir] = 0;
	if (c->data.len < c->len)
		buf_printf(&w->note, "%zu of %llu bytes were captured.", c->data.len,
			   (unsigned long long)c->len);
}

static void put_data(struct pcapng_writer *w, struct wconn *k, int dir, const struct chunk *c)
{
	struct bytes rest = c->data, part, text;
	uint64_t off = c->off;

	tell_h2(w, k, c);
	note_loss(w, k, dir, c);
	text = facts(w, "data", c);
	if (rest.len > TCP_MAKE_DATA) {
		buf_puts(&w->words, " captured=");
		words_put_number(&w->words, rest.len);
		text = buf_bytes(&w->words);
	}
	do {
		bytes_take(&rest, rest.len < TCP_MAKE_DATA ? rest.len : TCP_MAKE_DATA, &part);
		put_segment(w, k, dir, TCP_ACK | TCP_PSH, seq_of(k, dir, off), part, c->ts_ns, text);
		off += part.len;
		text = BYTES_LIT("spf: more");
	} while (rest.len);
	k->interface->received++;
	k->interface->dropped += c->data.len < c->len;
	k->end[dir] = c->off + c->len;
}

static void put_chunk(struct pcapng_writer *w, struct wconn *k, int dir, const struct chunk *c)
{
	switch (c->kind) {
	case CHUNK_DATA:
		put_data(w, k, dir, c);
		break;
	case CHUNK_LOST:
		k->interface->dropped++;
		k->lost[dir] += c->len;
		k->end[dir] = c->off + c->len;
		block_stats(&w->out, k->interface->id, epoch_of(w, c->ts_ns), k->interface->received,
			    k->interface->dropped, facts(w, "lost", c));
		break;
	case CHUNK_SENT:
		block_stats(&w->out, k->interface->id, epoch_of(w, c->ts_ns), k->interface->received,
			    k->interface->dropped, facts(w, "sent", c));
		break;
	case CHUNK_READ:
		break;
	case CHUNK_CLOSE:
		k->closed[dir] = true;
		put_segment(w, k, dir, TCP_ACK | TCP_FIN, seq_of(k, dir, c->off), bytes_of(NULL, 0),
			    c->ts_ns, facts(w, "close", c));
		if (k->closed[!dir])
			conn_remove(w, k);
		break;
	case CHUNK_OPEN:
		if (c->learned)
			block_stats(&w->out, k->interface->id, epoch_of(w, c->ts_ns),
				    k->interface->received, k->interface->dropped, facts(w, "open", c));
		break;
	}
}

static struct wconn *conn_of(struct pcapng_writer *w, const struct chunk *c)
{
	struct wconn *k = hash_get(&w->conns, c->sock);
	struct chunk open;

	if (k && c->learned) {
		keep_ends(w, k, c);
		return k;
	}
	if (k && c->kind == CHUNK_OPEN) /* the pipeline says it once; twice means a new one */
		conn_remove(w, k);
	if (k && c->kind != CHUNK_OPEN)
		return k;
	if (c->kind == CHUNK_OPEN)
		return conn_new(w, c);
	open = chunk_of(CHUNK_OPEN);
	open.sock = c->sock;
	k = conn_new(w, &open);
	k->is_unknown = true;
	return k;
}

int pcapng_write(struct pcapng_writer *w, const struct chunk *c)
{
	struct wconn *k;
	size_t before;

	if (w->error)
		return w->error;
	if (c->kind == CHUNK_CLOSE && !hash_get(&w->conns, c->sock))
		return 0; /* of a connection that was not meant */
	if ((w->o.size_max && w->written >= w->o.size_max) ||
	    (w->o.interval_ns && w->written && c->ts_ns - w->file_start_ns >= w->o.interval_ns))
		rotate(w);
	if (!w->written)
		w->file_start_ns = c->ts_ns;
	before = w->out.len;
	w->ts_ns = c->ts_ns;
	k = conn_of(w, c);
	if (k->file != w->file)
		put_open(w, k, c->ts_ns);
	put_chunk(w, k, c->sock != k->open.sock, c);
	w->written += w->out.len - before;
	return w->out.len >= BUFFER_LEN ? pcapng_flush(w) : w->error;
}

int pcapng_finish(struct pcapng_writer *w, int64_t end_ns)
{
	struct interface *i = w->newest ? w->newest->interface : interface_of(w, NULL);

	w->ts_ns = end_ns;
	put_stats(w);
	if (is_in_file(w, i))
		block_stats(&w->out, i->id, epoch_of(w, end_ns), i->received, i->dropped,
			    BYTES_LIT("spf: end"));
	return pcapng_flush(w);
}

struct pcapng_writer *pcapng_writer_new(const int *fds, size_t fd_cnt,
					const struct pcapng_options *o, int64_t epoch_ns,
					int64_t start_ns)
{
	struct pcapng_writer *w = xcalloc(1, sizeof(*w));

	w->o = *o;
	w->fds = xmalloc(fd_cnt * sizeof(*fds));
	memcpy(w->fds, fds, fd_cnt * sizeof(*fds));
	w->fd_cnt = fd_cnt;
	w->epoch_ns = epoch_ns;
	w->start_ns = start_ns;
	w->ts_ns = start_ns;
	begin_file(w);
	return w;
}

void pcapng_writer_free(struct pcapng_writer *w)
{
	struct interface *i;
	size_t at = 0;

	if (!w)
		return;
	while (w->oldest)
		conn_remove(w, w->oldest);
	while ((i = hash_each(&w->by_name, &at))) {
		free(i->name);
		free(i);
	}
	free(w->other.name);
	hash_release(&w->by_name);
	hash_release(&w->conns);
	strings_release(&w->kept);
	buf_release(&w->out);
	buf_release(&w->words);
	buf_release(&w->note);
	free(w->fds);
	free(w);
}

char *pcapng_file_name(const char *name, size_t i, size_t cnt)
{
	const char *slash = strrchr(name, '/'), *dot = strrchr(name, '.');

	if (cnt == 1)
		return xstrdup(name);
	if (!dot || dot == name || (slash && dot <= slash + 1))
		return xasprintf("%s.%zu", name, i);
	return xasprintf("%.*s.%zu%s", (int)(dot - name), name, i, dot);
}
