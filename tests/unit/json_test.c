/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "samples.h"
#include "sink/json.h"

static void is_json(struct bytes in, const char *want)
{
	struct buf out = { 0 };

	json_string(&out, guarded(in));
	assert_text(buf_bytes(&out), want);
	buf_release(&out);
}

static void strings_are_escaped(void **state)
{
	is_json(BYTES_LIT(""), "\"\"");
	is_json(BYTES_LIT("a\"b\\c\n\t\b\f\r"), "\"a\\\"b\\\\c\\n\\t\\b\\f\\r\"");
	is_json(BYTES_LIT("\0\x1b\x7f"), "\"\\u0000\\u001b\\u007f\"");
	is_json(BYTES_LIT("ä\u202e\xc2\x85"), "\"ä\\u202e\\u0085\"");
}

static void what_is_not_utf8_is_base64(void **state)
{
	is_json(BYTES_LIT("\xff"), "{\"$base64\":\"/w==\"}");
	is_json(BYTES_LIT("\xff\xfe"), "{\"$base64\":\"//4=\"}");
	is_json(BYTES_LIT("ab\xc3"), "{\"$base64\":\"YWLD\"}");
	is_json(BYTES_LIT("\xed\xa0\x80" "a"), "{\"$base64\":\"7aCAYQ==\"}");
}

static void a_setting_that_comes_twice_counts_last(void **state)
{
	struct batch *b = batch_new();
	struct rec_frame *f = sample_frame(b, 0x4);
	struct setting *s = batch_alloc(b, 3 * sizeof(*s));
	struct buf out = { 0 };
	struct value v;

	s[0] = (struct setting){ 4, 1 };
	s[1] = (struct setting){ 0x99, 2 };
	s[2] = (struct setting){ 4, UINT32_MAX };
	f->settings = (struct list){ (uint32_t)((char *)s - (char *)b), 3 };
	value_get(&v, b, &f->r, field_of("settings", &f->r));
	json_value(&out, b, &v);
	assert_text(buf_bytes(&out), "{\"INITIAL_WINDOW_SIZE\":4294967295,\"0x99\":2}");
	buf_release(&out);
	free(b);
}

static void json_of(struct buf *out, const struct batch *b, const void *r, const char *field)
{
	const struct field *f = field_of(field, r);
	struct value v;

	assert_non_null(f);
	value_get(&v, b, r, f);
	buf_consume(out, out->len);
	json_value(out, b, &v);
}

#define IS(r, field, want)                                                                         \
	do {                                                                                       \
		json_of(&out, b, r, field);                                                        \
		assert_text(buf_bytes(&out), want);                                                \
	} while (0)

static void a_field_is_shown_by_its_type(void **state)
{
	struct batch *b = batch_new();
	struct rec_frame *f = sample_request(b);
	struct rec_call *c = sample_call(b);
	struct buf out = { 0 };

	IS(f, "ts", "1700000000.123456789");
	IS(f, "queue_us", "1.5");
	IS(f, "type", "\"HEADERS\"");
	IS(f, "end_stream", "true");
	IS(f, "padded", "false");
	IS(f, "trailers", "false");
	IS(f, "status", "null");
	IS(f, "rpc_method", "\"demo.Shop/Get\"");
	IS(f, "rpc.service", "\"demo.Shop\"");
	IS(f, "exclusive", "null");
	IS(c, "latency_us", "1234.5");
	IS(c, "rpc_status", "\"NOT_FOUND\"");
	IS(c, "error", "null");
	IS(c, "server_pid", "null");
	IS(c, "request", "null");
	IS(c, "response", "{\"headers\":[{\"name\":\":status\",\"value\":\"200\"}],"
			  "\"trailers\":[{\"name\":\"grpc-status\",\"value\":\"5\"}]}");
	f->type = 0x2a;
	IS(f, "type", "\"0x2a\"");
	f->type = 0x3;
	f->error_code = 0x77;
	IS(f, "error", "\"0x77\"");
	buf_release(&out);
	free(b);
}

static void an_unknown_path_names_no_service(void **state)
{
	struct batch *b = batch_new();
	struct rec_frame *f = sample_request(b);
	struct buf out = { 0 };

	f->ctx.path = sample_str(b, "?path/3.1");
	f->ctx.path_unknown = 1;
	IS(f, "rpc_method", "\"?path/3.1\"");
	IS(f, "rpc_service", "null");
	f->ctx.path = sample_str(b, "noslash");
	f->ctx.path_unknown = 0;
	IS(f, "rpc_service", "\"\"");
	f->ctx.is_grpc = 0;
	IS(f, "rpc_method", "null");
	buf_release(&out);
	free(b);
}

/* Numbers that vary, text of any bytes: the same for a seed. */
static void scramble(struct batch *b, struct record *r, uint32_t len, unsigned seed)
{
	uint8_t *p = (uint8_t *)r + sizeof(*r);
	struct str noise[4];

	for (unsigned i = 0; i < 4; i++) {
		uint8_t text[24];

		for (unsigned j = 0; j < sizeof(text); j++)
			text[j] = (uint8_t)((seed * 2654435761u + i * 97 + j * 31) >> (j % 24));
		noise[i] = batch_str(b, bytes_of(text, i * 7));
	}
	for (uint32_t i = 0; i < fields_cnt; i++) {
		const struct field *f = &fields[i];
		void *m = (char *)r + f->offset;

		if (!(f->kinds >> r->kind & 1) || (uint8_t *)m < p || f->offset >= len)
			continue;
		if (f->type == T_STR || f->type == T_BYTES || f->type == T_BODY)
			*(struct str *)m = noise[(i + seed) % 4];
		else if (f->width == 4 && f->type != T_CONN)
			*(uint32_t *)m = seed * 2246822519u;
		else if (f->width == 8 && f->type < T_BOOL)
			*(uint64_t *)m = (uint64_t)seed * 11400714819323198485u;
	}
}

static const uint32_t sizes[] = {
	[KIND_CHUNK] = sizeof(struct rec_chunk),     [KIND_CONN] = sizeof(struct rec_conn),
	[KIND_FRAME] = sizeof(struct rec_frame),     [KIND_MESSAGE] = sizeof(struct rec_message),
	[KIND_HTTP] = sizeof(struct rec_http),	     [KIND_CALL] = sizeof(struct rec_call),
	[KIND_GAP] = sizeof(struct rec_gap),
};

static void write_record(FILE *to, unsigned seed)
{
	struct batch *b = batch_new();
	struct record head = sample_head(b, seed % KIND_COUNT), *r;
	struct buf out = { 0 };

	r = batch_record(b, sizes[head.kind], &head);
	if (head.kind == KIND_FRAME)
		((struct rec_frame *)r)->type = (uint8_t)(seed / KIND_COUNT % 12);
	scramble(b, r, sizes[head.kind], seed);
	if (head.kind == KIND_FRAME)
		((struct rec_frame *)r)->headers =
			SAMPLE_HEADERS(b, "a", "\xff\xfe", "b\n", "\"\\\t", "\xc3", "ä\u202e");
	json_record(&out, b, r);
	fwrite(buf_bytes(&out).p, 1, out.len, to);
	fputc('\n', to);
	buf_release(&out);
	free(b);
}

/* Another implementation's parser reads each line, and finds no key twice. */
static void python_reads_every_record(void **state)
{
	FILE *to = popen("python3 -c '\n"
			 "import json, sys\n"
			 "def once(pairs):\n"
			 "    assert len(dict(pairs)) == len(pairs), pairs\n"
			 "    return dict(pairs)\n"
			 "n = 0\n"
			 "for line in sys.stdin.buffer:\n"
			 "    r = json.loads(line.decode(), object_pairs_hook=once)\n"
			 "    assert r[\"seq\"] == 7 and r[\"comm\"] == \"curl\", r\n"
			 "    n += 1\n"
			 "assert n == 2000, n'", "w");

	assert_non_null(to);
	for (unsigned seed = 0; seed < 2000; seed++)
		write_record(to, seed);
	assert_int_equal(pclose(to), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(what_is_not_utf8_is_base64),
		cmocka_unit_test(a_setting_that_comes_twice_counts_last),
		cmocka_unit_test(a_field_is_shown_by_its_type),
		cmocka_unit_test(an_unknown_path_names_no_service),
		cmocka_unit_test(python_reads_every_record),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
