/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet_make.h"

#include "capture/link.h"

#define ETH "0200000000020200000000 01"
#define TCP 6

static void assert_segment_at(uint32_t link, struct bytes packet, const char *text, uint32_t len,
			      int line)
{
	struct segment s = { 0 };
	enum link_class c = link_parse(link, guarded(packet), (uint32_t)packet.len, &s);

	if (c != LINK_TCP)
		fprintf(stderr, "it is %s\n", link_class_name(c));
	assert_int_equal(c, LINK_TCP);
	assert_bytes_at(s.data, bytes_str(text), __FILE__, line);
	assert_int_equal(s.len, len);
	assert_int_equal(s.src.port, 4096);
	assert_int_equal(s.dst.port, 80);
	assert_int_equal(s.seq, 5);
	assert_int_equal(s.flags, TCP_PSH | TCP_ACK);
	assert_int_equal(s.src.family == 4 ? s.src.ip[0] : s.src.ip[0] - 0xfc + 10, 10);
	assert_int_equal(s.dst.ip[s.dst.family == 4 ? 3 : 15], 2);
}

#define assert_segment(link, packet, text) \
	assert_segment_at((link), (packet), (text), (uint32_t)strlen(text), __LINE__)

static void assert_class(uint32_t link, struct bytes packet, enum link_class want)
{
	struct segment s;

	assert_string_equal(
		link_class_name(link_parse(link, guarded(packet), (uint32_t)packet.len, &s)),
		link_class_name(want));
}

static void every_link_layer_leads_to_its_segment(void **state)
{
	struct bytes v4 = ipv4_of(0x4000, TCP, tcp_of(BYTES_LIT("hello")), -1);
	struct bytes v6 = ipv6_of(TCP, tcp_of(BYTES_LIT("hello")), -1);

	assert_segment(1, CAT(HEX(ETH "0800"), v4), "hello");
	assert_segment(1, CAT(HEX(ETH "86dd"), v6), "hello");
	assert_segment(1, CAT(HEX(ETH "8100 0007 0800"), v4), "hello");
	assert_segment(1, CAT(HEX(ETH "88a8 0007 8100 0008 86dd"), v6), "hello");
	assert_segment(1, CAT(HEX(ETH "0800"), v4, HEX("000000000000")), "hello"); /* padding */
	assert_segment(113, CAT(HEX("0000 0001 0006 020000000001 0000 0800"), v4), "hello");
	assert_segment(276, CAT(HEX("86dd 0000 00000001 0001 00 06 0200000000010000"), v6), "hello");
	assert_segment(0, CAT(HEX("02000000"), v4), "hello");
	assert_segment(0, CAT(HEX("00000002"), v4), "hello");
	assert_segment(0, CAT(HEX("1e000000"), v6), "hello");
	assert_segment(0, CAT(HEX("18000000"), v6), "hello");
	assert_segment(108, CAT(HEX("0000001c"), v6), "hello");
	assert_segment(101, v4, "hello");
	assert_segment(101, v6, "hello");
	assert_segment(12, v4, "hello");
	assert_segment(228, v4, "hello");
	assert_segment(229, v6, "hello");
}

static void extension_headers_are_passed(void **state)
{
	struct bytes tcp = tcp_of(BYTES_LIT("hi"));

	assert_segment(229, ipv6_of(0, CAT(HEX("3c 00 010400000000"), HEX("06 01"),
					   HEX("0104000000000000 000000000000"), tcp), -1), "hi");
	assert_segment(229, ipv6_of(43, CAT(HEX("06 02 0000 00000000 fc00000000000000 0000000000000009"),
					    tcp), -1), "hi");
	assert_segment(229, ipv6_of(51, CAT(HEX("06 04 0000 00000001 00000001 0102030405060708 090a0b0c"),
					    tcp), -1), "hi");
	/* an atomic fragment is whole: RFC 6946 */
	assert_segment(229, ipv6_of(44, CAT(HEX("06 00 0000 00000007"), tcp), -1), "hi");
	assert_class(229, ipv6_of(44, CAT(HEX("06 00 0001 00000007"), tcp), -1), LINK_FRAGMENT);
	assert_class(229, ipv6_of(44, CAT(HEX("06 00 0588 00000007"), tcp), -1), LINK_FRAGMENT);
	assert_class(229, ipv6_of(59, bytes_of(NULL, 0), -1), LINK_OTHER_IP);
}

static void gso_packets_have_length_zero(void **state)
{
	assert_segment(228, ipv4_of(0, TCP, tcp_of(BYTES_LIT("offloaded")), 0), "offloaded");
	assert_segment(229, ipv6_of(TCP, tcp_of(BYTES_LIT("offloaded")), 0), "offloaded");
	assert_segment(1, CAT(HEX(ETH "0800"), ipv4_of(0, TCP, tcp_of(BYTES_LIT("offloaded")), 0)),
		       "offloaded");
}

static void options_are_no_data(void **state)
{
	struct bytes tcp = CAT(HEX("1000 0050 00000005 00000000 80 18 ffff 0000 0000"),
			       HEX("0101080a0000000100000002"), BYTES_LIT("x"));

	assert_segment(228, ipv4_of(0, TCP, tcp, -1), "x");
	assert_segment(228, CAT(HEX("46000036 00010000 4006 0000 0a000001 0a000002 94040000"),
				tcp_of(BYTES_LIT("options!!!"))), "options!!!");
}

static void a_snaplen_cut_keeps_the_length(void **state)
{
	struct bytes whole = CAT(HEX(ETH "0800"), ipv4_of(0, TCP, tcp_of(BYTES_LIT("0123456789")), -1));
	struct segment s;

	for (size_t cut = 0; cut < whole.len; cut++) {
		struct bytes part = guarded(bytes_of(whole.p, cut));
		enum link_class c = link_parse(1, part, (uint32_t)whole.len, &s);

		assert_int_equal(c, cut < 54 ? LINK_CUT : LINK_TCP);
		if (c != LINK_TCP)
			continue;
		assert_int_equal(s.len, 10);
		assert_int_equal(s.data.len, cut - 54);
		/* a capture that does not say how long the packet was: its IP header does */
		assert_int_equal(link_parse(1, part, (uint32_t)cut, &s), LINK_TCP);
		assert_int_equal(s.len, 10);
	}
}

static void what_is_no_tcp_is_named(void **state)
{
	struct bytes tcp = tcp_of(BYTES_LIT("x"));

	assert_class(1, HEX(ETH "0806 0001 0800 0604 0001"), LINK_ARP);
	assert_class(1, HEX(ETH "88cc 0000"), LINK_OTHER);
	assert_class(228, ipv4_of(0, 17, tcp, -1), LINK_UDP);
	assert_class(228, ipv4_of(0, 1, tcp, -1), LINK_ICMP);
	assert_class(228, ipv4_of(0, 47, tcp, -1), LINK_OTHER_IP);
	assert_class(228, ipv4_of(0x2000, TCP, tcp, -1), LINK_FRAGMENT);
	assert_class(228, ipv4_of(0x00b9, TCP, tcp, -1), LINK_FRAGMENT);
	assert_class(228, ipv4_of(0, TCP, HEX("1000 0050 00000005 00000000 40 18 ffff 0000 0000"), -1),
		     LINK_MALFORMED);
	assert_class(228, HEX("4f00"), LINK_MALFORMED);
	assert_class(228, ipv4_of(0, TCP, tcp, 19), LINK_MALFORMED);
	assert_class(0, HEX("07000000 00"), LINK_OTHER);
	assert_class(147, tcp, LINK_UNKNOWN);
	assert_false(link_is_known(147));
	assert_true(link_is_known(1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_link_layer_leads_to_its_segment),
		cmocka_unit_test(extension_headers_are_passed),
		cmocka_unit_test(gso_packets_have_length_zero),
		cmocka_unit_test(options_are_no_data),
		cmocka_unit_test(a_snaplen_cut_keeps_the_length),
		cmocka_unit_test(what_is_no_tcp_is_named),
	};

	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
