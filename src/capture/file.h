/* SPDX-License-Identifier: BSD-2-Clause */
/* Opens whatever -r names: a pcapng of spf's own or of anybody, a pcap, a text trace.
 * The format is told by the first bytes, so that a pipe will do. */
#ifndef SPF_CAPTURE_FILE_H
#define SPF_CAPTURE_FILE_H

#include "capture/source.h"

/* Takes over fd. Returns the source (end it with s->ops->free(s)), or NULL with *why set to
 * static text that follows "FILE: ". At the end of the file the source gives -ENODATA, on a bad
 * one -EBADMSG with s->why = the offset and what is wrong; what was read before stands. */
struct source *source_open_file(int fd, const char **why);

#endif
