/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/clock.h"

#include <time.h>

void clock_init(void)
{
	tzset();
}

void clock_print(struct buf *out, int64_t epoch_ns)
{
	static int64_t last = INT64_MIN; /* many records are of the same second */
	static char text[CLOCK_COLUMNS + 1];
	int64_t us = epoch_ns / 1000 - (epoch_ns % 1000 < 0), fraction = us % 1000000;
	int64_t sec = us / 1000000 - (fraction < 0);

	fraction += fraction < 0 ? 1000000 : 0;
	if (sec != last) {
		time_t t = (time_t)sec;
		struct tm tm;

		localtime_r(&t, &tm); /* unlike localtime() it does not look at the zone file again */
		strftime(text, sizeof(text), "%H:%M:%S.", &tm);
		last = sec;
	}
	for (int i = CLOCK_COLUMNS - 1; i > CLOCK_COLUMNS - 7; i--, fraction /= 10)
		text[i] = (char)('0' + fraction % 10);
	buf_append(out, bytes_of(text, CLOCK_COLUMNS));
}
