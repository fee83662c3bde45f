/* SPDX-License-Identifier: BSD-2-Clause */
/* compare [-e] [-b BACKEND] [-r RING-BYTES] DIR [PATTERN]...: captures everything that is said on
 * this machine while tests/gen does its talks, and compares byte for byte what the capture
 * hands on with what the reading ends got. Prints for each direction, separated by tabs:
 *
 *     VERDICT  NAME/DIRECTION  DETAIL
 *
 * exact   every byte as read; also: as many sent, none twice, none that nobody wrote
 * gap     some bytes are missing, and the capture says so, with their true number
 * missing the capture knows nothing of this direction
 * WRONG   bytes that differ, holes that were not told of, counters that do not balance
 *
 * Ends with 0 unless a verdict is WRONG or the generator failed: what a backend may miss is
 * for the caller to judge.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/bpf.h"
#include "capture/live.h"
#include "util/buf.h"
#include "util/hash.h"
#include "util/xalloc.h"

/* What was captured of one direction. */
struct seen {
	uint64_t sock;
	struct buf bytes; /* holes are filled with zeros */
	struct buf holes; /* of struct hole */
	uint64_t gap;     /* bytes in them */
	uint64_t twice;   /* bytes that came again */
	uint64_t sent;
	uint64_t unread;  /* bytes captured though nobody read them */
	uint64_t behind;  /* bytes that came behind its end */
	int32_t writer;
	bool differs; /* what came again was not the same */
	bool is_closed;
	bool is_strange; /* not the generator's */
};

struct hole {
	size_t from, to;
};

/* A line of the generator. */
struct truth {
	char name[160];
	char file[256];
	size_t read_len, len;
	int writer, reader;
};

static struct hash directions;
static pid_t generator = -1;
static struct source *source;
static bool is_early; /* bytes must be seen when they are written */

static struct seen *seen_of(uint64_t sock)
{
	struct seen *s = hash_get(&directions, sock);

	if (!s) {
		s = xcalloc(1, sizeof(*s));
		s->sock = sock;
		s->writer = -1;
		hash_put(&directions, sock, s);
	}
	return s;
}

static void skip_to(struct seen *s, uint64_t off)
{
	static const uint8_t zeros[4096];
	struct hole h = { s->bytes.len, off };

	if (h.from < h.to)
		buf_append(&s->holes, bytes_of((const uint8_t *)&h, sizeof(h)));
	while (s->bytes.len < off) {
		size_t n = off - s->bytes.len;

		if (n > sizeof(zeros))
			n = sizeof(zeros);
		buf_append(&s->bytes, bytes_of(zeros, n));
		s->gap += n;
	}
}

/* What else is said on this machine is not kept: it may be much. */
static bool is_strange(struct seen *s)
{
	char label[32];
	size_t n = (size_t)sprintf(label, "gen %d ", (int)generator);

	if (s->is_strange || !s->bytes.len)
		return s->is_strange;
	s->is_strange = memcmp(buf_bytes(&s->bytes).p, label, n < s->bytes.len ? n : s->bytes.len);
	if (s->is_strange) {
		buf_release(&s->bytes);
		live_ignore(source, s->sock);
	}
	return s->is_strange;
}

static void take(const struct chunk *c)
{
	struct seen *s = seen_of(c->sock);
	size_t twice = 0;

	if (c->kind == CHUNK_CLOSE && (is_strange(s) || !s->bytes.len))
		live_forget(source, c->sock);
	if (is_strange(s))
		return;

	s->is_closed |= c->kind == CHUNK_CLOSE;
	if (s->is_closed && (c->kind == CHUNK_DATA || c->kind == CHUNK_LOST))
		s->behind += c->len;
	if (c->kind == CHUNK_SENT) {
		s->sent += c->len;
		s->writer = c->pid;
	}
	if (c->kind == CHUNK_LOST)
		skip_to(s, c->off + c->len);
	if (c->kind != CHUNK_DATA)
		return;
	if (c->has_writer) { /* -e: a write and its bytes in one */
		s->sent += c->len;
		s->writer = c->pid;
	}
	if (c->reader_pid < 0)
		s->unread += c->len;
	skip_to(s, c->off);
	if (c->off < s->bytes.len) {
		twice = s->bytes.len - c->off;
		if (twice > c->data.len)
			twice = c->data.len;
		if (memcmp(buf_bytes(&s->bytes).p + c->off, c->data.p, twice))
			s->differs = true;
		s->twice += twice;
	}
	buf_append(&s->bytes, bytes_of(c->data.p + twice, c->data.len - twice));
	skip_to(s, c->off + c->len);
}

/* For slots of sockets that are gone. */
static void free_slots(void *b, const uint32_t *slots, uint32_t cnt)
{
	bpf_free_slots(b, slots, cnt);
}

/* Takes all that there is; false if the source failed. */
static bool drain(void)
{
	struct chunk c;
	int64_t settled;
	int rc;

	while ((rc = source->ops->next(source, &c, &settled)) > 0)
		take(&c);
	if (rc < 0)
		fprintf(stderr, "compare: %s\n", source->why);
	return rc >= 0;
}

/* ---- the verdict ---- */

static struct seen *find(const struct truth *t)
{
	char label[200];
	size_t n = (size_t)sprintf(label, "gen %d %s\n", (int)generator, t->name), at = 0;
	struct seen *s;

	while ((s = hash_each(&directions, &at)))
		if (s->bytes.len >= n && !memcmp(buf_bytes(&s->bytes).p, label, n))
			return s;
	return NULL;
}

/* The first offset at which the capture differs from the truth outside of its holes; -1 if
 * nowhere. */
static long difference(const struct truth *t, const struct seen *s)
{
	int fd = open(t->file, O_RDONLY);
	struct stat st = { 0 };
	size_t len = fstat(fd, &st) ? 0 : (size_t)st.st_size;
	size_t n = s->bytes.len < len ? s->bytes.len : len;
	const uint8_t *p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	const uint8_t *q = buf_bytes(&s->bytes).p;
	const struct hole *h = (const void *)buf_bytes(&s->holes).p, *end;
	long at = -1;

	end = h + s->holes.len / sizeof(*h);

	close(fd);
	if (p == MAP_FAILED)
		return 0;
	for (size_t i = 0; i < n && at < 0; i++) {
		while (h < end && i == h->from) /* one may begin where the last ends */
			i = h++->to;
		if (i < n && p[i] != q[i])
			at = (long)i;
	}
	munmap((void *)p, len);
	return at;
}

/* True if events that say how much was written did not fit the ring. */
static bool sent_lost(void)
{
	struct live_totals t;

	live_totals(source, &t);
	return t.sent_lost;
}

/* Urgent bytes are queued where the kprobe backends have no hook: they count when they are
 * read, and not at all if the kernel drops them unread. */
static bool knows_written(const struct truth *t, const struct seen *s, const struct live_counts *c)
{
	if (strstr(t->name, "oob"))
		return c->accepted >= s->bytes.len && c->accepted <= t->len;
	return c->accepted == t->len && (s->sent == t->len || sent_lost());
}

/* True if the counters tell what is missing: all of it, or more where the lost bytes were those
 * that came a second time. */
static bool is_told(const struct seen *s, const struct live_counts *c)
{
	uint64_t told = c->lost + c->unreadable;

	return s->twice ? s->gap <= told : s->gap == told;
}

static const char *judge(const struct truth *t, char *detail)
{
	struct seen *s = find(t);
	struct live_counts c;
	long at;

	*detail = '\0';
	if (!s)
		return "missing";
	if (!live_counts(source, s->sock, &c))
		memset(&c, 0, sizeof(c));
	sprintf(detail, "%zu of %zu bytes, sent %llu", s->bytes.len, t->len,
		(unsigned long long)s->sent);
	if (s->unread)
		sprintf(detail + strlen(detail), ", %llu never read", (unsigned long long)s->unread);
	if (s->writer != t->writer && !strstr(t->name, "processes") && s->writer >= 0)
		return strcat(detail, ", not the writer's pid"), "WRONG";
	if (s->behind) {
		sprintf(detail + strlen(detail), ", %llu of them behind its end",
			(unsigned long long)s->behind);
		return "WRONG";
	}
	if (is_early && strstr(t->name, "oob")) /* an urgent byte is seen when it is read */
		return strcat(detail, ", urgent bytes are not in the order of writing"), "missing";
	if (is_early && s->unread < s->bytes.len && strncmp(t->name, "tcp", 3))
		return strcat(detail, ", not before it was read"), "WRONG";
	if (!knows_written(t, s, &c))
		return strcat(detail, ", not all that was sent"), "WRONG";
	if (c.read != c.captured + c.cut + c.lost + c.unreadable + c.filtered)
		return strcat(detail, ", the counters do not balance"), "WRONG";
	if (s->differs)
		return strcat(detail, ", came twice and different"), "WRONG";
	at = difference(t, s);
	if (at >= 0) {
		sprintf(detail + strlen(detail), ", differs at %ld", at);
		return "WRONG";
	}
	if (s->gap || c.lost || c.unreadable) {
		/* What was lost last has nothing behind it that would show the hole. */
		s->gap += c.read - s->bytes.len;
		sprintf(detail + strlen(detail), ", %llu missing (%llu lost, %llu unreadable)",
			(unsigned long long)s->gap, (unsigned long long)c.lost,
			(unsigned long long)c.unreadable);
		return is_told(s, &c) && c.read >= t->read_len && c.read <= t->len ? "gap" : "WRONG";
	}
	if (s->bytes.len < t->read_len || (s->bytes.len != t->read_len && s->bytes.len != t->len))
		return strcat(detail, ", wrong length"), "WRONG";
	if (!is_early && strncmp(t->name, "tcp", 3) && s->unread != s->bytes.len - t->read_len)
		return strcat(detail, ", which is not so"), "WRONG";
	if (s->twice)
		sprintf(detail + strlen(detail), ", %llu twice", (unsigned long long)s->twice);
	return "exact";
}

/* ---- the run ---- */

/* Runs the generator beside this program; returns the read end of its output. */
static FILE *generate(char **argv)
{
	char self[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 5);
	int out[2];

	if (n < 0 || pipe(out))
		return NULL;
	self[n] = '\0';
	strcpy(strrchr(self, '/') + 1, "gen");
	generator = fork();
	if (generator == 0) {
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		argv[0] = self;
		execv(self, argv);
		_exit(127);
	}
	close(out[1]);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	return fdopen(out[0], "r");
}

static bool parse(const char *line, struct truth *t)
{
	return sscanf(line, "%159[^\t]\t%zu\t%zu\t%255[^\t]\t%d\t%d", t->name, &t->read_len, &t->len,
		      t->file, &t->writer, &t->reader) == 6;
}

static void rest(struct bpf *b)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	for (int i = 0; i < 20; i++) {
		drain();
		nanosleep(&ms, NULL);
	}
	bpf_sweep(b);
	drain();
}

static int run(struct bpf *b, char **argv)
{
	struct timespec ms = { .tv_nsec = 1000000 };
	struct truth t;
	char line[600], detail[300];
	const char *verdict;
	int status, rc = 0;
	FILE *list;

	list = generate(argv);
	for (;;) {
		if (!drain())
			return 1;
		if (!fgets(line, sizeof(line), list)) {
			if (feof(list))
				break;
			clearerr(list);
			nanosleep(&ms, NULL);
			continue;
		}
		if (!parse(line, &t)) {
			fputs(line, stdout);
			continue;
		}
		rest(b);
		verdict = judge(&t, detail);
		if (find(&t))
			live_forget(source, find(&t)->sock);
		if (verdict[0] == 'W')
			rc = 1;
		printf("%s\t%s\t%s\n", verdict, t.name, detail);
		fflush(stdout);
	}
	waitpid(generator, &status, 0);
	return rc || status;
}

int main(int argc, char **argv)
{
	static char *everything[] = { "*", "tcp:*", NULL };
	struct bpf_options o = { .targets = everything, .ring_size = 128 << 20 };
	struct live_maps maps = { 0 };
	struct live_totals totals;
	struct bpf *b;
	char *why;
	int opt, rc;

	while ((opt = getopt(argc, argv, "+b:efr:")) != -1) {
		if (opt == 'b')
			o.backend = optarg;
		if (opt == 'e')
			o.early = is_early = true;
		if (opt == 'f') /* filters that mean all that it starts */
			o.who = (struct spf_who){ .is_asked = 1, .pid = getpid(), .follows = 1,
						  .uid = (s32)geteuid() };
		if (opt == 'r')
			o.ring_size = strtoul(optarg, NULL, 0);
	}
	b = bpf_new(&o, &why);
	if (!b) {
		printf("compare: %s\n", why);
		return 3;
	}
	bpf_fds(b, &maps.ring, &maps.control, &maps.slots);
	maps.ring = dup(maps.ring);
	maps.control = dup(maps.control);
	maps.slots = dup(maps.slots);
	maps.ring_size = o.ring_size;
	source = live_new(&maps, free_slots, b);
	if (!source) {
		printf("compare: %s\n", strerror(errno));
		return 3;
	}
	live_start(source);
	bpf_list_open(b);
	printf("# backend %s\n", bpf_backend(b));
	rc = run(b, argv + optind - 1);
	live_totals(source, &totals);
	if (totals.no_slot || totals.open_lost)
		printf("# %llu sockets without a place, %llu OPEN events lost\n",
		       (unsigned long long)totals.no_slot, (unsigned long long)totals.open_lost);
	if (bpf_recursion_misses(b))
		printf("# recursion_misses %llu\n", (unsigned long long)bpf_recursion_misses(b));
	source->ops->free(source);
	bpf_free(b);
	return rc;
}
