/* SPDX-License-Identifier: BSD-2-Clause */
/* -w: chunks as a pcapng that Wireshark opens as it is, and that own.h reads back exactly.
 *
 * Each connection is a TCP conversation: true addresses where it was one, else private ones
 * (10.83.x.x port 80 for a socket's address, 10.84.x.x for its clients). Sequence numbers are
 * stream offsets + 1, so a hole in them is a hole in the capture; SYN and FIN stand where open
 * and close were seen. The facts of each chunk are in the packet's comment ("spf: data sock=3
 * …", words.h). Chunks without bytes (LOST, SENT) are comments of interface statistics.
 *
 * So that Wireshark knows HTTP/2 without a look at the client's first bytes, a connection that
 * speaks it from the middle, or goes on in the next file, gets a client preface; its comment says
 * that nobody sent it.
 */
#ifndef SPF_CAPTURE_PCAPNG_WRITE_H
#define SPF_CAPTURE_PCAPNG_WRITE_H

#include "capture/source.h"

struct pcapng_options {
	uint64_t size_max;   /* -C: bytes of a file, 0 = no bound */
	int64_t interval_ns; /* -G: time of a file, 0 = no bound */
};

struct pcapng_writer;

/* fds: where to write; with -C and -G one after the other, and again from the first, which is
 * emptied before. They are borrowed. epoch_ns and start_ns are the source's. */
struct pcapng_writer *pcapng_writer_new(const int *fds, size_t fd_cnt,
					const struct pcapng_options *o, int64_t epoch_ns,
					int64_t start_ns);

/* Adds a chunk. Returns 0, or what pcapng_flush() does: writing fails once and for all. */
int pcapng_write(struct pcapng_writer *w, const struct chunk *c);

/* Gives what is buffered to the kernel: whole blocks only. Returns 0, -EPIPE if a reader went
 * away, or another -errno of write(2). */
int pcapng_flush(struct pcapng_writer *w);

/* Ends the file with statistics and the time when the capture ended, in the source's clock.
 * Returns what pcapng_flush() does. */
int pcapng_finish(struct pcapng_writer *w, int64_t end_ns);

void pcapng_writer_free(struct pcapng_writer *w);

/* The name of the i-th of cnt files of -w NAME: NAME itself if cnt is 1, else "x.3.pcapng".
 * The caller frees it. */
char *pcapng_file_name(const char *name, size_t i, size_t cnt);

#endif
