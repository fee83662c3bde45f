/* SPDX-License-Identifier: BSD-2-Clause */
#include "doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "capture/backend.h"
#include "rights.h"
#include "util/log.h"

enum { TRIAL_RING = 1 << 20 };

/* Reads the first line of a file; false if there is none. */
static bool first_line(const char *path, char *line, int size)
{
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(line, size, f);

	if (ok)
		line[strcspn(line, "\n")] = '\0';
	if (f)
		fclose(f);
	return ok;
}

static const char *lockdown(void)
{
	static char line[128];
	char *from, *to;

	if (!first_line("/sys/kernel/security/lockdown", line, sizeof(line)))
		return "none";
	from = strchr(line, '[');
	to = from ? strchr(from, ']') : NULL;
	if (!to)
		return line;
	*to = '\0';
	return from + 1;
}

static const char *own_path(void)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	return n > 0 ? path : "spf";
}

static void describe(void)
{
	struct utsname u;
	const char *missing = rights_missing();
	bool has_btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;

	uname(&u);
	printf("kernel      %s (%s) %s\n", u.release, u.machine, u.version);
	if (missing)
		printf("rights      %s missing: sudo spf, or once for all who may run it: "
		       "sudo setcap cap_bpf,cap_perfmon,cap_syslog=ep %s\n",
		       missing, own_path());
	else
		printf("rights      %s\n", geteuid() == 0 ? "root" : "CAP_BPF and CAP_PERFMON");
	printf("types       %s\n",
	       has_btf ? "known (BTF)" : "unknown: the kernel needs CONFIG_DEBUG_INFO_BTF=y");
	printf("addresses   %s\n",
	       rights_show_addresses() ? "known"
				       : "hidden: CAP_SYSLOG shows them, unless sysctl "
					 "kernel.kptr_restrict is 2; " RIGHTS_WITHOUT_ADDRESSES);
	printf("lockdown    %s%s\n", lockdown(),
	       strcmp(lockdown(), "confidentiality")
		       ? ""
		       : ": BPF may not read memory; boot with lockdown=integrity or none");
}

int doctor_main(void)
{
	struct backend_config config = { .snaplen = UINT32_MAX, .ring_size = TRIAL_RING };
	const char *best = NULL;

	describe();
	for (size_t i = 0; backend_name(i); i++) {
		struct backend b;
		char *why;

		if (backend_open(&b, i, &config, &why)) {
			printf("%-16s no: %s\n", backend_name(i), why);
			free(why);
			continue;
		}
		backend_close(&b);
		printf("%-16s works%s%s\n", backend_name(i),
		       backend_blind(i)[0] ? "; does not see " : "", backend_blind(i));
		if (!best)
			best = backend_name(i);
	}
	if (!best) {
		puts("spf cannot capture here. It can still read captures: spf -r FILE");
		return EXIT_RUN;
	}
	printf("spf uses %s; --backend NAME takes another\n", best);
	return EXIT_OK;
}
