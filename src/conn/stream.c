/* SPDX-License-Identifier: BSD-2-Clause */
#include "conn/stream.h"

struct stream_step stream_push(struct stream *s, const struct chunk *c)
{
	struct stream_step step = { .cause = GAP_RINGBUF_DROP };
	uint64_t end = c->off + c->len, skip = 0;

	if (!s->has_begun) { /* a file may begin anywhere */
		s->has_begun = true;
		s->next = c->off;
	}
	if (end <= s->next) {
		s->repeated += c->len;
		return step;
	}
	if (c->off > s->next)
		step.gap = c->off - s->next;
	else
		skip = s->next - c->off;
	s->repeated += skip;
	s->next = end;
	if (c->kind == CHUNK_LOST) {
		step.cause = c->cause;
		step.gap += c->len - skip;
		s->lost += step.gap;
		return step;
	}
	s->lost += step.gap;
	if (skip < c->data.len) {
		step.data = bytes_of(c->data.p + skip, c->data.len - skip);
		step.cut = c->len - c->data.len;
	} else {
		step.cut = c->len - skip;
	}
	s->fed += step.data.len;
	s->cut += step.cut;
	return step;
}

uint64_t stream_end(struct stream *s, uint64_t end)
{
	uint64_t missing = end > s->next ? end - s->next : 0;

	s->lost += missing;
	if (missing)
		s->next = end;
	return missing;
}
