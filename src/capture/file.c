/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/file.h"

#include <errno.h>
#include <string.h>

#include "capture/dump.h"
#include "capture/input.h"
#include "capture/packets.h"
#include "capture/trace.h"

struct source *source_open_file(int fd, const char **why)
{
	struct input in;
	struct packets packets;
	struct bytes head;
	int rc;

	input_init(&in, fd);
	rc = input_need(&in, 4);
	head = input_bytes(&in);
	if (rc == 1 && packets_look_like(head)) {
		packets_init(&packets, &in);
		return dump_new(&packets);
	}
	if (rc >= 0 && trace_looks_like(head))
		return trace_new(&in);
	if (rc < 0)
		*why = strerror(-rc);
	else if (!head.len)
		*why = "the file is empty";
	else if (bytes_has_prefix(head, BYTES_LIT("\x1f\x8b")))
		*why = "this is gzip: unpack it first (zcat FILE | spf -r -)";
	else
		*why = "not a capture: neither pcapng nor pcap nor a text trace of spf";
	input_release(&in);
	return NULL;
}
