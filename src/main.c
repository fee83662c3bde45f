/* SPDX-License-Identifier: BSD-2-Clause */
/* spf: one program, two processes. Started by a user it is the monitor; the monitor starts
 * it again as the worker. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "catalog.h"
#include "doctor.h"
#include "extcap.h"
#include "monitor.h"
#include "options.h"
#include "util/log.h"
#include "worker.h"

#ifdef __SANITIZE_ADDRESS__
/* The search for leaks starts a process at exit, which the worker's sandbox forbids. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

/* What spf prints by itself, without a worker. */
static int printed(int status)
{
	if (fflush(stdout) || ferror(stdout))
		die(EXIT_RUN, "cannot write the output: %s", strerror(errno));
	return status;
}

int main(int argc, char **argv)
{
	struct options o;
	char *why;

	if (argc > 0 && !strcmp(argv[0], WORKER_NAME))
		return worker_main(argc, argv);
	log_escape_by(text_escape);
	if (extcap_is_asked(argc, argv))
		return printed(extcap_main(argc, argv));
	if (options_parse(&o, argc, argv, &why))
		die(EXIT_USAGE, "%s", why);
	log_setup(o.quiet, o.verbose);
	switch (o.action) {
	case ACTION_HELP:
		fputs(options_help, stdout);
		return printed(EXIT_OK);
	case ACTION_VERSION:
		puts("spf " SPF_VERSION);
		return printed(EXIT_OK);
	case ACTION_DOCTOR:
		return printed(doctor_main());
	case ACTION_RUN:
		return monitor_main(&o, argv);
	default:
		return printed(catalog_main(&o));
	}
}
