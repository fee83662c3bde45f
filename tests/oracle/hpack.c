/* SPDX-License-Identifier: BSD-2-Clause */
/* Random header lists, encoded by libnghttp2 with changing table sizes, must decode to what they
 * were. usage: oracle-hpack [LISTS [SEED]] */
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/hpack.h"

enum { FIELDS_MAX = 24, TEXT_MAX = 600, LISTS_A_CONNECTION = 500 };

static uint64_t state;

static uint32_t rnd(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 33) % below;
}

struct text {
	uint8_t p[TEXT_MAX];
	size_t len;
};

static const char *const names[] = {
	":method", ":path", ":authority", ":status", "content-type", "x-request-id", "cookie", "date",
	"te", "grpc-timeout", "x-a", "authorization", "set-cookie", "user-agent", "via",
};
static const char *const values[] = {
	"GET", "POST", "/", "200", "application/grpc", "trailers", "", "gzip", "a=1; b=2", "no-cache",
	"/helloworld.Greeter/SayHello", "example.com", "grpc-go/1.62.0",
};

/* Bytes of any kind, or text, or digits: their Huffman codes are long, short, and mixed. */
static void random_text(struct text *t)
{
	uint32_t kind = rnd(4);

	t->len = rnd(16) ? rnd(40) : rnd(TEXT_MAX);
	for (size_t i = 0; i < t->len; i++)
		t->p[i] = (uint8_t)(kind == 0   ? rnd(256)
				    : kind == 1 ? '0' + rnd(10)
						: 'a' + rnd(26));
}

static void choose(struct text *t, const char *const *from, uint32_t cnt)
{
	const char *s = from[rnd(cnt)];

	if (rnd(4) == 0) {
		random_text(t);
		return;
	}
	t->len = strlen(s);
	memcpy(t->p, s, t->len);
}

/* What nghttp2's encoder never indexes by itself. */
static bool is_secret(const nghttp2_nv *nv)
{
	struct bytes name = bytes_of(nv->name, nv->namelen);

	return bytes_equal(name, BYTES_LIT("authorization")) ||
	       (bytes_equal(name, BYTES_LIT("cookie")) && nv->valuelen < 20);
}

static int differs(const struct hpack_list *l, const nghttp2_nv *nv, uint32_t cnt)
{
	if (l->cnt != cnt)
		return 1;
	for (uint32_t i = 0; i < cnt; i++) {
		const struct header *h = &l->v[i];

		if (!bytes_equal(hpack_text(l, h->name), bytes_of(nv[i].name, nv[i].namelen)) ||
		    !bytes_equal(hpack_text(l, h->value), bytes_of(nv[i].value, nv[i].valuelen)) ||
		    h->sensitive != ((nv[i].flags & NGHTTP2_NV_FLAG_NO_INDEX) || is_secret(&nv[i])) ||
		    h->unknown)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	long lists = argc > 1 ? atol(argv[1]) : 1000000, fields = 0, bad = 0, resized = 0;
	static struct text name[FIELDS_MAX], value[FIELDS_MAX];
	static uint8_t block[65536];
	nghttp2_hd_deflater *def = NULL;
	struct hpack_list list = { 0 };
	struct hpack h = { 0 };

	state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	for (long i = 0; i < lists; i++) {
		nghttp2_nv nv[FIELDS_MAX];
		uint32_t cnt = 1 + rnd(FIELDS_MAX - 1);
		ssize_t n;

		if (i % LISTS_A_CONNECTION == 0) {
			if (def)
				nghttp2_hd_deflate_del(def);
			nghttp2_hd_deflate_new(&def, 65536);
			hpack_release(&h);
			hpack_init(&h, 1, 0, HPACK_DEFAULT_MAX);
		}
		for (uint32_t k = rnd(20) ? 0 : 1 + rnd(3); k; k--) {
			uint32_t size = rnd(5) ? rnd(9000) : 0;

			nghttp2_hd_deflate_change_table_size(def, size);
			hpack_set_limit(&h, size);
			resized++;
		}
		for (uint32_t k = 0; k < cnt; k++) {
			choose(&name[k], names, sizeof(names) / sizeof(names[0]));
			choose(&value[k], values, sizeof(values) / sizeof(values[0]));
			nv[k] = (nghttp2_nv){ name[k].p, value[k].p, name[k].len, value[k].len,
					      rnd(16) ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX };
		}
		n = nghttp2_hd_deflate_hd(def, block, sizeof(block), nv, cnt);
		if (n < 0)
			return 2;
		fields += cnt;
		if (hpack_decode(&h, bytes_of(block, (size_t)n), &list) || differs(&list, nv, cnt)) {
			if (!bad++)
				fprintf(stderr, "list %ld: %s\n", i, h.why ? h.why : "another list");
			i += LISTS_A_CONNECTION - i % LISTS_A_CONNECTION - 1;
		}
	}
	printf("oracle-hpack: %ld lists of %ld fields, %ld table size changes, %ld passed, %ld failed\n", lists,
	       fields, resized, lists - bad, bad);
	nghttp2_hd_deflate_del(def);
	hpack_list_release(&list);
	hpack_release(&h);
	return bad != 0;
}
