/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet_make.h"
#include "source.h"

#define TCP 6
#define NONE bytes_of(NULL, 0)

typedef struct bytes order(uint64_t v, int n); /* be or le */

static struct bytes pcap_of(order *o, uint32_t magic, uint32_t link, struct bytes packet,
			    uint32_t wire_len, uint32_t fraction)
{
	return CAT(o(magic, 4), o(2, 2), o(4, 2), o(0, 4), o(0, 4), o(65535, 4), o(link, 4),
		   o(1000, 4), o(fraction, 4), o(packet.len, 4), o(wire_len, 4), packet);
}

static struct bytes padded(struct bytes b)
{
	return CAT(b, bytes_of("\0\0\0", -b.len & 3));
}

static struct bytes block(order *o, uint32_t type, struct bytes body)
{
	return CAT(o(type, 4), o(body.len + 12, 4), body, o(body.len + 12, 4));
}

static struct bytes option(order *o, uint16_t code, struct bytes v)
{
	return CAT(o(code, 2), o(v.len, 2), padded(v));
}

static struct bytes section(order *o)
{
	return block(o, 0x0a0d0d0a, CAT(o(0x1a2b3c4d, 4), o(1, 2), o(0, 2), o(UINT64_MAX, 8),
					option(o, 4, BYTES_LIT("a test")), o(0, 4)));
}

static struct bytes interface(order *o, uint16_t link, struct bytes options)
{
	return block(o, 1, CAT(o(link, 2), o(0, 2), o(0, 4), options));
}

static struct bytes packet_block(order *o, uint32_t id, uint64_t ts, struct bytes data)
{
	return block(o, 6, CAT(o(id, 4), o(ts >> 32, 4), o(ts & 0xffffffff, 4), o(data.len, 4),
			       o(data.len, 4), padded(data)));
}

/* An IPv4 packet with a TCP segment. */
static struct bytes packet(const char *text)
{
	return ipv4_of(0, TCP, tcp_of(bytes_str(text)), -1);
}

#define OPEN(t) "O role=unknown t=" t " transport=tcp addr=10.0.0.2:80 a.net=10.0.0.1:4096 b.net=10.0.0.2:80\n"

static void classic_pcap_in_both_orders_and_units(void **state)
{
	struct bytes p = packet("hi");
	const char *want = OPEN("1000.000000007") "A 6869 t=1000.000000007\n";
	const char *micro = OPEN("1000.000007") "A 6869 t=1000.000007\n";

	assert_file(pcap_of(le, 0xa1b2c3d4, 228, p, 42, 7), micro);
	assert_file(pcap_of(be, 0xa1b2c3d4, 228, p, 42, 7), micro);
	assert_file(pcap_of(le, 0xa1b23c4d, 228, p, 42, 7), want);
	assert_file(pcap_of(be, 0xa1b23c4d, 228, p, 42, 7), want);
	/* the upper bits of the link type tell of a frame check sequence */
	assert_file(pcap_of(le, 0xa1b23c4d, 0x440000e4, p, 42, 7), want);
}

static void pcapng_with_interfaces_and_sections(void **state)
{
	order *orders[] = { le, be };

	for (int i = 0; i < 2; i++) {
		order *o = orders[i];
		struct bytes ns = option(o, 9, HEX("09")), binary = option(o, 9, HEX("9e"));
		struct bytes shift = option(o, 14, o(100, 8));

		assert_file(CAT(section(o), interface(o, 228, NONE),
				packet_block(o, 0, 1000000007, packet("hi"))),
			    OPEN("1000.000007") "A 6869 t=1000.000007\n");
		assert_file(CAT(section(o), interface(o, 1, NONE), interface(o, 228, CAT(ns, o(0, 4))),
				packet_block(o, 1, 7, packet("hi"))),
			    OPEN("0.000000007") "A 6869 t=0.000000007\n");
		assert_file(CAT(section(o), interface(o, 228, CAT(binary, shift)),
				packet_block(o, 0, 1ull << 29, packet("hi"))),
			    OPEN("100.5") "A 6869 t=100.5\n");
		/* interfaces count anew in each section, which has its own byte order */
		assert_file(CAT(section(o), interface(o, 1, NONE), section(be), interface(be, 228, NONE),
				packet_block(be, 0, 1000000007, packet("hi"))),
			    OPEN("1000.000007") "A 6869 t=1000.000007\n");
	}
}

static void other_blocks_are_passed_over(void **state)
{
	struct bytes simple = block(le, 3, CAT(le(42, 4), padded(packet("hi"))));
	struct bytes old = block(le, 2, CAT(le(0, 2), le(5, 2), le(0, 4), le(7, 4), le(42, 4), le(42, 4),
					    padded(packet("hi"))));

	assert_file(CAT(section(le), block(le, 0x0bad, HEX("01020304")), interface(le, 228, NONE),
			block(le, 5, CAT(le(0, 4), le(0, 8), option(le, 5, le(1, 8)))), simple),
		    "O role=unknown transport=tcp addr=10.0.0.2:80 a.net=10.0.0.1:4096 "
		    "b.net=10.0.0.2:80\nA 6869\n");
	assert_file(CAT(section(le), interface(le, 228, NONE), old),
		    OPEN("0.000007") "A 6869 t=0.000007\n");
}

static void cuts_and_reassembly_reach_the_chunks(void **state)
{
	struct bytes p = packet("hello"), head = pcap_of(le, 0xa1b23c4d, 228, bytes_of(p.p, 42), 45, 7);

	assert_file(head, OPEN("1000.000000007") "A 6865 len=5 cause=truncated t=1000.000000007\n");
}

static void assert_bad(struct bytes file, const char *why_want)
{
	char *why;
	int end;
	struct buf out = text_of(file, &end, &why);

	assert_int_equal(end, -EBADMSG);
	assert_string_equal(why, why_want);
	buf_release(&out);
	free(why);
}

static void bad_files_are_named_with_their_place(void **state)
{
	struct bytes good = pcap_of(le, 0xa1b23c4d, 228, packet("hi"), 42, 7);
	struct bytes ng = CAT(section(le), interface(le, 228, NONE));

	assert_bad(bytes_of(good.p, 20), "offset 0: the file ends inside of the header of a pcap: 20 of 24 bytes");
	assert_bad(bytes_of(good.p, 30), "offset 24: the file ends inside of the header of a packet: 6 of 16 bytes");
	assert_bad(bytes_of(good.p, 50), "offset 24: the file ends inside of a packet: 26 of 58 bytes");
	assert_bad(CAT(good, HEX("00000000 00000000 ffffff7f 00000000")),
		   "offset 82: a packet of 2147483647 bytes: this is no packet header");
	assert_bad(CAT(ng, HEX("06000000 0b000000")), "offset 64: a block of type 0x6 with the length 11");
	assert_bad(CAT(ng, packet_block(le, 1, 0, NONE)),
		   "offset 64: a packet of an interface that is not described");
	assert_bad(CAT(ng, block(le, 6, CAT(le(0, 4), le(0, 8), le(100, 4), le(100, 4), HEX("01020304")))),
		   "offset 64: a packet that is longer than its block");
	assert_bad(CAT(ng, HEX("06000000 10000000 00000000 0c000000")),
		   "offset 64: a block whose two lengths differ");
	assert_bad(block(le, 0x0a0d0d0a, HEX("00000000")), "offset 0: a section header without its byte order");
}

/* What comes before the cut stands: the chunks of a torn file are the first of the whole's. */
static void a_torn_file_gives_what_came_before(void **state)
{
	struct bytes p = packet("hi");
	struct bytes whole = CAT(section(le), interface(le, 228, NONE), packet_block(le, 0, 1, p),
				 packet_block(le, 0, 2, ipv4_of(0, TCP,
								CAT(HEX("1000 0050 00000007 00000000 50 18 ffff "
									"0000 0000"), BYTES_LIT("ho")), -1)));
	int end;
	char *why;
	struct buf all = text_of(whole, &end, &why);
	size_t grown = 0;

	assert_int_equal(end, -ENODATA);
	for (size_t cut = 4; cut < whole.len; cut++) {
		struct buf part = text_of(bytes_of(whole.p, cut), &end, &why);

		assert_true(end == -EBADMSG || end == -ENODATA);
		assert_true(bytes_has_prefix(buf_bytes(&all), buf_bytes(&part)));
		assert_true(part.len >= grown);
		grown = part.len;
		buf_release(&part);
	}
	assert_true(grown > 0);
	buf_release(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classic_pcap_in_both_orders_and_units),
		cmocka_unit_test(pcapng_with_interfaces_and_sections),
		cmocka_unit_test(other_blocks_are_passed_over),
		cmocka_unit_test(cuts_and_reassembly_reach_the_chunks),
		cmocka_unit_test(bad_files_are_named_with_their_place),
		cmocka_unit_test(a_torn_file_gives_what_came_before),
	};

	return cmocka_run_group_tests_name("packets", tests, NULL, NULL);
}
