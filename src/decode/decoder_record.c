/* SPDX-License-Identifier: BSD-2-Clause */
/* The heads of all records, and the records that belong to no protocol: connections and gaps.
 * Those wait in d->pending until their turn comes. */
#include "decode/handler.h"

#include <errno.h>

enum { STR_ROOM = 16 }; /* what alignment may add to a string */

struct pending {
	enum record_kind kind;
	enum conn_op op;
	struct rec_gap gap;
	struct stamp st;
	int dir;
	const char *detail;
};

static void push_pending(struct decoder *d, const struct pending *p)
{
	buf_append(&d->pending, bytes_of(p, sizeof(*p)));
}

void decoder_add_conn(struct decoder *d, enum conn_op op, const struct stamp *st)
{
	struct pending p = { .kind = KIND_CONN, .op = op, .st = *st };

	push_pending(d, &p);
}

void decoder_add_gap(struct decoder *d, int dir, const struct stamp *st, enum gap_cause cause,
		     uint64_t missing, uint32_t stream_id, bool recovered, const char *detail)
{
	struct pending p = {
		.kind = KIND_GAP,
		.dir = dir,
		.st = *st,
		.detail = detail,
		.gap = { .bytes_missing = missing, .stream_id = stream_id,
			 .cause = (uint8_t)cause, .recovered = recovered },
	};

	if (d->want->kind[KIND_GAP])
		push_pending(d, &p);
}

int decoder_no_room(struct decoder *d, uint32_t len)
{
	d->need = (uint32_t)sizeof(struct batch) + 64 + len;
	return -ENOSPC;
}

void decoder_set_client(struct decoder *d, int client)
{
	d->info->role[client] = ROLE_CLIENT;
	d->info->role[!client] = ROLE_SERVER;
}

/* What the strings of a head may take, without the address that most batches have already. */
enum { COMMS_ROOM = 2 * (sizeof(((struct decoder *)0)->comm_text[0]) + STR_ROOM) };

uint32_t decoder_head_room(const struct decoder *d, const struct batch *b)
{
	if (d->batch_id == b->id)
		return COMMS_ROOM;
	return COMMS_ROOM + STR_ROOM + (d->info->addr ? (uint32_t)strlen(d->info->addr) : 0);
}

/* Whether both names are the same: two words, for which a call of memcmp() is long. */
static inline bool same_comm(const char a[16], const char b[16])
{
	uint64_t x[2], y[2];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return !((x[0] ^ y[0]) | (x[1] ^ y[1]));
}

/* The writer's name: put into the batch again only when it is another one. */
static struct str comm_of(struct decoder *d, int dir, const struct stamp *st, struct batch *b)
{
	if (!st->comm[0])
		return (struct str){ 0, 0 };
	if (!d->comm[dir].off || !same_comm(d->comm_text[dir], st->comm)) {
		memcpy(d->comm_text[dir], st->comm, sizeof(st->comm));
		d->comm[dir] = batch_str(b, bytes_of(st->comm, strnlen(st->comm, sizeof(st->comm))));
	}
	return d->comm[dir];
}

static void begin_batch(struct decoder *d, struct batch *b)
{
	d->batch_id = b->id;
	d->addr = d->info->addr ? batch_str(b, bytes_str(d->info->addr)) : (struct str){ 0, 0 };
	d->comm[0] = d->comm[1] = (struct str){ 0, 0 };
}

bool decoder_head(struct decoder *d, enum record_kind kind, int dir, const struct stamp *st,
		  struct batch *b, struct record *head)
{
	if (!batch_room(b, decoder_head_room(d, b)))
		return false;
	decoder_put_head(d, kind, dir, st, b, head);
	return true;
}

void decoder_put_head(struct decoder *d, enum record_kind kind, int dir, const struct stamp *st,
		      struct batch *b, struct record *head)
{
	const struct conn_info *info = d->info;

	if (d->batch_id != b->id)
		begin_batch(d, b);
	head->seq = 0;
	head->ts_ns = st->ts_ns;
	head->elapsed_ns = st->elapsed_ns;
	/* Bytes without a writer have the time of their reading. */
	head->queue_ns = st->read_ns < st->ts_ns || st->pid < 0 ? -1 : st->read_ns - st->ts_ns;
	head->conn_id = info->id;
	head->pid = st->pid;
	head->kind = (uint8_t)kind;
	head->from = (uint8_t)info->role[dir];
	head->transport = (uint8_t)info->transport;
	head->proto = (uint8_t)handler_proto(d);
	head->tls = info->tls;
	head->hidden = 0;
	head->exact = !d->dir[dir].inexact;
	head->reserved = 0;
	head->comm = comm_of(d, dir, st, b);
	head->addr = d->addr;
}

static struct process process_of(const struct endpoint *e, struct batch *b)
{
	struct process p = { .pid = e->pid, .uid = e->uid, .cgroup = e->cgroup };

	if (e->comm[0])
		p.comm = batch_str(b, bytes_of(e->comm, strnlen(e->comm, sizeof(e->comm))));
	if (e->exe)
		p.exe = batch_str(b, bytes_str(e->exe));
	return p;
}

static size_t exe_len(const struct endpoint *e)
{
	return (e->exe ? strlen(e->exe) : 0) + sizeof(e->comm) + 2 * STR_ROOM;
}

static int put_conn(struct decoder *d, const struct pending *p, struct batch *b)
{
	const struct conn_info *info = d->info;
	const char *reason = p->op == CONN_CLOSE ? d->reason : NULL;
	int client = info->role[1] == ROLE_CLIENT;
	uint32_t need = (uint32_t)(sizeof(struct rec_conn) + decoder_head_room(d, b) +
				   exe_len(&info->end[0]) + exe_len(&info->end[1]) +
				   (reason ? strlen(reason) + STR_ROOM : 0));
	struct record head;
	struct rec_conn *r;

	if (!batch_room(b, need) || !decoder_head(d, KIND_CONN, client, &p->st, b, &head))
		return decoder_no_room(d, need);
	head.from = ROLE_UNKNOWN;
	head.queue_ns = -1;
	r = batch_record(b, sizeof(*r), &head);
	r->op = (uint8_t)p->op;
	r->seen_open = info->seen_open;
	r->client = process_of(&info->end[client], b);
	r->server = process_of(&info->end[!client], b);
	r->bytes_to_server = info->bytes[client];
	r->bytes_to_client = info->bytes[!client];
	r->unread_by_server = p->op == CONN_PROTO ? -1 : info->unread[client];
	r->unread_by_client = p->op == CONN_PROTO ? -1 : info->unread[!client];
	r->calls = d->calls;
	r->frames = d->frames;
	r->duration_ns = p->op == CONN_CLOSE ? p->st.ts_ns - info->open_ns : -1;
	if (reason)
		r->reason = batch_str(b, bytes_str(reason));
	return 1;
}

static int put_gap(struct decoder *d, const struct pending *p, struct batch *b)
{
	size_t detail = p->detail ? strlen(p->detail) + STR_ROOM : 0;
	uint32_t need = (uint32_t)(sizeof(struct rec_gap) + decoder_head_room(d, b) + detail);
	struct record head;
	struct rec_gap *r;

	if (!batch_room(b, need) || !decoder_head(d, KIND_GAP, p->dir, &p->st, b, &head))
		return decoder_no_room(d, need);
	r = batch_record(b, sizeof(*r), &head);
	*r = p->gap;
	r->r = head;
	if (p->detail)
		r->detail = batch_str(b, bytes_str(p->detail));
	return 1;
}

int decoder_next_pending(struct decoder *d, struct batch *b)
{
	struct pending p;
	int rc;

	if (!d->pending.len)
		return 0;
	memcpy(&p, buf_bytes(&d->pending).p, sizeof(p));
	rc = p.kind == KIND_GAP ? put_gap(d, &p, b) : put_conn(d, &p, b);
	if (rc != 1)
		return rc;
	buf_consume(&d->pending, sizeof(p));
	if (!d->pending.len)
		buf_release(&d->pending);
	return 1;
}
