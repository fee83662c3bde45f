/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/file.h"

#include <errno.h>
#include <string.h>

#include "capture/pcap_source.h"
#include "capture/input.h"
#include "capture/own.h"
#include "capture/packets.h"
#include "capture/trace.h"

static struct source *open_packets(struct input *in)
{
	struct packets packets;
	struct packet first;
	int rc;

	packets_init(&packets, in);
	if (packets.read != pcapng_read)
		return pcap_source_new(&packets);
	rc = packets_next(&packets, &first);
	if (rc == 1 && first.kind == PACKET_SECTION && own_is_section(first.comment))
		return own_new(&packets, first.comment);
	return pcap_source_new(&packets);
}

struct source *source_open_file(int fd, const char **why)
{
	struct input in;
	struct bytes head;
	int rc;

	input_init(&in, fd);
	rc = input_need(&in, 4);
	head = input_bytes(&in);
	if (rc == 1 && packets_look_like(head))
		return open_packets(&in);
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
