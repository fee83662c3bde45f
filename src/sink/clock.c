/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/clock.h"

#include <time.h>

void clock_init(void)
{
	tzset();
}

void clock_print(struct buf *out, int64_t epoch_ns)
{
	time_t sec = (time_t)(epoch_ns / 1000000000);
	struct tm tm;

	localtime_r(&sec, &tm); /* unlike localtime() it does not look at the zone file again */
	buf_printf(out, "%02d:%02d:%02d.%06d", tm.tm_hour, tm.tm_min, tm.tm_sec,
		   (int)(epoch_ns % 1000000000 / 1000));
}
