/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/shape.h"

#include <stdio.h>

#include "util/xalloc.h"

static void learn(struct shape *s, const struct record *r)
{
	struct shape_key *key = xcalloc(fields_cnt, sizeof(*key));

	for (uint32_t i = 0; i < fields_cnt; i++) {
		struct shape_key *k = &key[s->cnt];

		if (!field_applies(&fields[i], r))
			continue;
		k->field = &fields[i];
		k->len = (uint32_t)snprintf(k->text, sizeof(k->text), ",\"%s\":", fields[i].name);
		s->cnt++;
	}
	s->key = key;
}

const struct shape *shape_of(const struct record *r)
{
	static struct shape shapes[SHAPE_CNT];
	struct shape *s = &shapes[shape_number(r)];

	if (!s->key)
		learn(s, r);
	return s;
}
