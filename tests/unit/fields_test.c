/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "decode/fields.h"
#include "decode/names.h"
#include "util/near.h"

static void a_field_is_found_by_its_name_and_by_its_aliases(void **state)
{
	const struct field *f = field_find("rpc_method", KIND_CALL);

	assert_non_null(f);
	assert_ptr_equal(field_find("rpc.method", KIND_CALL), f);
	assert_string_equal(field_find("http2.streamid", KIND_FRAME)->name, "stream_id");
	assert_string_equal(field_find("process.pid", KIND_GAP)->name, "pid");
	assert_null(field_find("", KIND_FRAME));
	assert_null(field_find("pth", KIND_FRAME));
}

static void a_kind_has_only_its_own_fields(void **state)
{
	assert_null(field_find("grpc_status", KIND_FRAME));
	assert_null(field_find("path", KIND_CONN));
	assert_string_equal(field_find("stream_id", KIND_CALL)->strukt, "rec_call");
	assert_string_equal(field_find("stream_id", KIND_FRAME)->strukt, "rec_frame");
	assert_int_equal(field_find("queue_us", KIND_CALL)->offset,
			 offsetof(struct rec_call, call_queue_ns));
	assert_int_equal(field_find("queue_us", KIND_FRAME)->offset,
			 offsetof(struct record, queue_ns));
}

static void a_frame_has_the_fields_of_its_type(void **state)
{
	struct rec_frame f = { .r.kind = KIND_FRAME, .type = 0x1 };

	assert_non_null(field_of("status", &f.r));
	assert_null(field_of("error", &f.r));
	assert_null(field_of("data", &f.r));
	f.type = 0x3;
	assert_null(field_of("status", &f.r));
	assert_string_equal(field_of("error", &f.r)->type_name, "T_ERROR");
	assert_string_equal(field_of("rpc_method", &f.r)->member, "ctx");
	for (int type = 0xa; type < 256; type++) {
		f.type = (uint8_t)type;
		assert_non_null(field_of("data", &f.r));
		assert_null(field_of("ack", &f.r));
	}
}

static uint32_t width_of(enum field_type type)
{
	switch (type) {
	case T_U32: case T_I32: case T_ERROR: case T_GRPC_STATUS:
		return 4;
	case T_U64: case T_I64: case T_EPOCH: case T_US: case T_CALL_ERROR:
	case T_STR: case T_BYTES: case T_BODY: case T_PB:
	case T_HEADERS: case T_SETTINGS: case T_REQUEST: case T_RESPONSE:
		return 8;
	case T_SEQ:
		return 0; /* either */
	case T_RPC_METHOD: case T_RPC_SERVICE:
		return sizeof(struct context);
	case T_PROCESS:
		return sizeof(struct process);
	case T_CUT: case T_CONN:
		return 4;
	default:
		return 1;
	}
}

static void every_row_fits_its_member(void **state)
{
	assert_true(fields_cnt > 90);
	for (uint32_t i = 0; i < fields_cnt; i++) {
		uint32_t want = width_of(fields[i].type);

		if (want && fields[i].width != want)
			fail_msg("%s is %s but %u bytes wide", fields[i].name, fields[i].type_name,
				 fields[i].width);
		assert_int_not_equal(fields[i].kinds, 0);
		assert_true(fields[i].meaning[0]);
	}
}

static void the_request_is_at_one_place_in_all_stream_records(void **state)
{
	assert_int_equal(offsetof(struct rec_frame, ctx), offsetof(struct rec_message, ctx));
	assert_int_equal(offsetof(struct rec_frame, ctx), offsetof(struct rec_http, ctx));
	assert_int_equal(offsetof(struct rec_frame, ctx), offsetof(struct rec_call, ctx));
}

static void a_typo_finds_the_name_that_was_meant(void **state)
{
	assert_string_equal(field_near("pth"), "path");
	assert_string_equal(field_near("steram_id"), "stream_id");
	assert_string_equal(field_near("stream"), "stream_id");
	assert_string_equal(field_near("Method"), "method");
	assert_null(field_near("xyzzy"));
	assert_null(field_near(""));
	assert_int_equal(near_distance("ab", "ba"), 1);
	assert_int_equal(near_distance("", "abc"), 3);
	assert_int_equal(near_distance("kitten", "sitting"), 3);
}

static void enumerations_have_names_and_an_end(void **state)
{
	assert_string_equal(kind_name(KIND_GAP), "gap");
	assert_string_equal(kind_name(KIND_COUNT), "?");
	assert_string_equal(role_name(ROLE_SERVER), "server");
	assert_string_equal(proto_name(PROTO_HTTP1), "http/1.1");
	assert_string_equal(outcome_name(OUTCOME_CAPTURE_END), "capture_end");
	assert_string_equal(outcome_name(OUTCOME_COUNT), "?");
	assert_string_equal(gap_cause_name(GAP_EVICTED), "evicted");
	assert_string_equal(gap_cause_name(GAP_COUNT - 1), "unreadable");
	assert_string_equal(gap_cause_name(UINT32_MAX), "?");
	assert_string_equal(conn_op_name(CONN_CLOSE), "close");
	assert_string_equal(transport_name(TRANSPORT_TCP), "tcp");
}

static void protocol_numbers_have_names(void **state)
{
	char room[NAMES_LEN];

	assert_string_equal(names_frame_type(0x9), "CONTINUATION");
	assert_string_equal(names_frame_type(0x10), "PRIORITY_UPDATE");
	assert_null(names_frame_type(0xb));
	assert_null(names_frame_type(UINT32_MAX));
	assert_string_equal(names_flag(0x0, 1), "END_STREAM");
	assert_string_equal(names_flag(0x4, 1), "ACK");
	assert_null(names_flag(0x2, 1));
	assert_null(names_flag(0x2a, 1));
	assert_string_equal(names_error(8), "CANCEL");
	assert_null(names_error(14));
	assert_string_equal(names_setting(4), "INITIAL_WINDOW_SIZE");
	assert_null(names_setting(0));
	assert_null(names_setting(7));
	assert_string_equal(names_grpc_status(16), "UNAUTHENTICATED");
	assert_null(names_grpc_status(17));
	assert_string_equal(names_http_status(404), "Not Found");
	assert_null(names_http_status(0));
	assert_string_equal(names_or_hex(NULL, UINT32_MAX, room), "0xffffffff");
	assert_string_equal(names_or_number(NULL, UINT32_MAX, room), "4294967295");
	assert_string_equal(names_or_hex("DATA", 0, room), "DATA");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_is_found_by_its_name_and_by_its_aliases),
		cmocka_unit_test(a_kind_has_only_its_own_fields),
		cmocka_unit_test(a_frame_has_the_fields_of_its_type),
		cmocka_unit_test(every_row_fits_its_member),
		cmocka_unit_test(the_request_is_at_one_place_in_all_stream_records),
		cmocka_unit_test(a_typo_finds_the_name_that_was_meant),
		cmocka_unit_test(enumerations_have_names_and_an_end),
		cmocka_unit_test(protocol_numbers_have_names),
	};

	return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
