/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/value.h"

#include "sink/json.h"

static void set_int(struct value *v, int64_t n)
{
	if (n < 0)
		return;
	v->type = VALUE_INT;
	v->n = n;
}

static void set_fixed(struct value *v, int64_t n, unsigned decimals)
{
	if (n < 0)
		return;
	v->type = VALUE_FIXED;
	v->n = n;
	v->decimals = decimals;
}

static void set_uint(struct value *v, uint64_t u)
{
	v->type = VALUE_UINT;
	v->u = u;
}

static void set_bool(struct value *v, bool is)
{
	v->type = VALUE_BOOL;
	v->n = is;
}

static void set_bytes(struct value *v, struct bytes b)
{
	if (!b.p)
		return;
	v->type = VALUE_BYTES;
	v->bytes = b;
}

static void set_name(struct value *v, const char *name)
{
	set_bytes(v, bytes_str(name));
}

static void set_lists(struct value *v, int type, const struct list *lists, bool is_there)
{
	if (!is_there)
		return;
	v->type = type;
	v->lists = lists;
}

/* "/helloworld.Greeter/SayHello" without the first slash; as a service, up to the last one.
 * An unknown path is a symbol, which names the method but no service; one that a script
 * has named has both. */
static void set_rpc(struct value *v, const struct batch *b, const struct context *ctx,
		    bool is_service)
{
	struct bytes path = batch_bytes(b, ctx->path), slash;

	if (!ctx->is_grpc || (is_service && ctx->path_unknown == 1))
		return;
	if (bytes_has_prefix(path, BYTES_LIT("/")))
		bytes_take(&path, 1, &slash);
	while (is_service && path.len && path.p[--path.len] != '/')
		;
	set_bytes(v, path);
}

static void set_list_of(struct value *v, const struct field *f, const void *member)
{
	const struct list *lists = member;

	if (f->type == T_HEADERS)
		set_lists(v, VALUE_HEADERS, lists, lists[0].off);
	else if (f->type == T_SETTINGS)
		set_lists(v, VALUE_SETTINGS, lists, lists[0].off);
	else
		set_lists(v, VALUE_HALF, lists, lists[0].off || lists[1].off);
}

static void set_enum(struct value *v, enum field_type type, uint8_t n)
{
	switch (type) {
	case T_KIND:
		return set_name(v, kind_name(n));
	case T_ROLE:
		return set_name(v, role_name(n));
	case T_TRANSPORT:
		return set_name(v, transport_name(n));
	case T_PROTO:
		return set_name(v, proto_name(n));
	case T_WHAT:
		return set_name(v, http_what_name(n));
	case T_OUTCOME:
		return set_name(v, outcome_name(n));
	case T_CONN_OP:
		return set_name(v, conn_op_name(n));
	case T_GAP_CAUSE:
		return set_name(v, gap_cause_name(n));
	default:
		return set_name(v, names_or_hex(names_frame_type(n), n, v->room));
	}
}

static void set_number_by_name(struct value *v, enum field_type type, int64_t n)
{
	uint32_t u = (uint32_t)n;

	if (n < 0)
		return;
	if (type == T_GRPC_STATUS)
		set_name(v, names_or_number(names_grpc_status(u), u, v->room));
	else
		set_name(v, names_or_hex(names_error(u), u, v->room));
}

void value_get(struct value *v, const struct batch *b, const struct record *r,
	       const struct field *f)
{
	const void *m = (const char *)r + f->offset;
	const uint8_t *u8 = m;
	const int32_t *i32 = m;
	const uint32_t *u32 = m;
	const int64_t *i64 = m;
	const uint64_t *u64 = m;

	v->type = VALUE_ABSENT;
	switch (f->type) {
	case T_U8:
		return set_uint(v, *u8);
	case T_U32:
		return set_uint(v, *u32);
	case T_U64:
		return set_uint(v, *u64);
	case T_SEQ:
		return set_int(v, (f->width == 4 ? *u32 : (int64_t)*u64) ?: -1);
	case T_I32:
		return set_int(v, *i32);
	case T_I64:
		return set_int(v, *i64);
	case T_EPOCH:
		return set_fixed(v, *i64, 9);
	case T_US:
		return set_fixed(v, *i64, 3);
	case T_BOOL:
		return set_bool(v, *u8);
	case T_TRI:
		if (*u8 != TRI_ABSENT)
			set_bool(v, *u8);
		return;
	case T_FLAG_1:
		return set_bool(v, *u8 & 0x1);
	case T_FLAG_4:
		return set_bool(v, *u8 & 0x4);
	case T_FLAG_8:
		return set_bool(v, *u8 & 0x8);
	case T_CUT:
		return set_bool(v, ((const struct rec_chunk *)r)->captured < *u32);
	case T_STR:
	case T_BYTES:
	case T_BODY:
		return set_bytes(v, batch_bytes(b, *(const struct str *)m));
	case T_ERROR:
		return set_number_by_name(v, f->type, *u32);
	case T_CALL_ERROR:
		return set_number_by_name(v, f->type, *i64);
	case T_GRPC_STATUS:
		return set_number_by_name(v, f->type, *i32);
	case T_RPC_METHOD:
	case T_RPC_SERVICE:
		return set_rpc(v, b, m, f->type == T_RPC_SERVICE);
	case T_HEADERS:
	case T_SETTINGS:
	case T_REQUEST:
	case T_RESPONSE:
		return set_list_of(v, f, m);
	case T_PROCESS:
		v->type = VALUE_PROCESS;
		v->process = m;
		return;
	case T_CONN:
	case T_PB:
		return;
	default:
		return set_enum(v, f->type, *u8);
	}
}

void value_print(struct buf *out, const struct batch *b, const struct value *v)
{
	switch (v->type) {
	case VALUE_ABSENT:
		return;
	case VALUE_BYTES:
		return buf_append(out, v->bytes);
	default:
		return json_value(out, b, v);
	}
}
