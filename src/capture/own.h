/* SPDX-License-Identifier: BSD-2-Clause */
/* spf's own pcapng (pcapng_write.h) as a source: exactly the chunks that were written. */
#ifndef SPF_CAPTURE_OWN_H
#define SPF_CAPTURE_OWN_H

#include "capture/packets.h"
#include "capture/source.h"

/* True if a section with this comment was written by spf. */
bool own_is_section(struct bytes comment);

/* Takes over p, whose first section was just read and has this comment. */
struct source *own_new(struct packets *p, struct bytes comment);

#endif
