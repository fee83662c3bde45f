/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps of the lock-down, in the order that they demand of each other: descriptors and
 * limits, capabilities and uid, then what only matters to a process without privileges
 * (dumpable, the parent's end), then Landlock, whose ruleset is a descriptor, then the limit
 * of descriptors, and last the filter that would refuse all of these steps.
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Newer than the oldest headers we build with. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

#define UID_NOBODY 65534

/* poll() refuses more entries than NOFILE allows descriptors, so the limit is not zero; what
 * the worker holds lies below it, and the filter lets it open nothing more. */
#define NOFILE_STRICT 16
#define NOFILE_UNSAFE 256

/* ---- who the worker becomes */

static bool parse_id(const char *text, uid_t *id)
{
	char *end;
	unsigned long v;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || *end || v >= (uid_t)-1)
		return false;
	*id = (uid_t)v;
	return true;
}

static void fill_user(struct sandbox_user *user, const struct passwd *pw, uid_t uid, gid_t gid)
{
	user->uid = uid;
	user->gid = pw ? pw->pw_gid : gid;
	snprintf(user->home, sizeof(user->home), "%s", pw && pw->pw_dir ? pw->pw_dir : "");
	if (pw)
		snprintf(user->name, sizeof(user->name), "%s", pw->pw_name);
	else
		snprintf(user->name, sizeof(user->name), "%u", uid);
}

/* Who became root to start us. Root's own environment says so: it can lie to nobody else. */
static bool calling_user(uid_t *uid, gid_t *gid)
{
	const char *doas = getenv("DOAS_USER");
	const struct passwd *pw;
	uid_t id;

	if (parse_id(getenv("SUDO_UID"), uid) || parse_id(getenv("PKEXEC_UID"), uid)) {
		*gid = parse_id(getenv("SUDO_GID"), &id) ? (gid_t)id : (gid_t)*uid;
		return *uid != 0;
	}
	pw = doas ? getpwnam(doas) : NULL;
	if (!pw || pw->pw_uid == 0)
		return false;
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return true;
}

int sandbox_target_user(const char *name, struct sandbox_user *user, const char **why)
{
	const struct passwd *pw;
	uid_t uid;
	gid_t gid = UID_NOBODY;

	if (geteuid() != 0) {
		fill_user(user, getpwuid(geteuid()), geteuid(), getegid());
		user->gid = getegid();
		return 0;
	}
	if (name) {
		pw = getpwnam(name);
		if (!pw && !parse_id(name, &uid)) {
			*why = "no such user";
			return -EINVAL;
		}
		uid = pw ? pw->pw_uid : uid;
		gid = (gid_t)uid;
	} else if (!calling_user(&uid, &gid)) {
		pw = getpwnam("nobody");
		uid = pw ? pw->pw_uid : UID_NOBODY;
		gid = UID_NOBODY;
	}
	pw = getpwuid(uid);
	if (uid == 0 || (pw ? pw->pw_gid : gid) == 0) {
		*why = "scripts never run as root or with its group";
		return -EINVAL;
	}
	fill_user(user, pw, uid, gid);
	return 0;
}

/* ---- the steps */

/* 0 to 2 stay whatever they are, so that no later descriptor takes their place. */
static int step_descriptors(const struct sandbox_options *o)
{
	uint32_t keep = o->read_fds | o->write_fds | 7;

	for (int fd = 3; fd < 32; fd++)
		if (!(keep >> fd & 1))
			close(fd);
	return syscall(SYS_close_range, 32, ~0u, 0) && errno != ENOSYS ? -errno : 0;
}

static int limit(int what, rlim_t max)
{
	struct rlimit old, new = { max, max };

	if (getrlimit((__rlimit_resource_t)what, &old))
		return -errno;
	if (new.rlim_max > old.rlim_max)
		new.rlim_cur = new.rlim_max = old.rlim_max;
	return setrlimit((__rlimit_resource_t)what, &new) ? -errno : 0;
}

static int step_limits(const struct sandbox_options *o)
{
	static const int none[] = { RLIMIT_CORE, RLIMIT_NPROC, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE,
				    RLIMIT_RTPRIO, RLIMIT_LOCKS };
	int err = 0;

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]) && !err; i++)
		err = limit(none[i], 0);
	return err;
}

/* setarch -X makes every readable mapping executable, which no rule on mmap() would see. */
static int step_memory(const struct sandbox_options *o)
{
	int now = personality(0xffffffff);

	if (now >= 0 && now & READ_IMPLIES_EXEC)
		now = personality((unsigned)(now & ~READ_IMPLIES_EXEC));
	if (now < 0)
		return -errno;
	if (!o->jit && !o->unsafe)
		prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0); /* from Linux 6.3 */
	return 0;
}

/* Reads the time zone now: later localtime() cannot, and without TZ it would try each time. */
static int step_time_zone(const struct sandbox_options *o)
{
	time_t now = time(NULL);
	struct tm tm;

	setenv("TZ", ":/etc/localtime", 0);
	tzset();
	localtime_r(&now, &tm);
	return 0;
}

static int step_bounding_set(const struct sandbox_options *o)
{
	const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
				   SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
				   SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

	/* Only who holds CAP_SETPCAP can. Without it nothing is lost: these bound what an exec()
	 * gains, and no_new_privs and the filter leave no such exec(). */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) && errno != EPERM)
			return -errno;
	return prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) && errno != EPERM ? -errno : 0;
}

static int step_user(const struct sandbox_options *o)
{
	uid_t r, e, s;

	if (geteuid() != 0 && getuid() != 0)
		return 0;
	if (o->uid == 0 || o->gid == 0)
		return -EINVAL;
	if (setgroups(0, NULL) || setresgid(o->gid, o->gid, o->gid) ||
	    setresuid(o->uid, o->uid, o->uid))
		return -errno;
	if (getresuid(&r, &e, &s) || r != o->uid || e != o->uid || s != o->uid)
		return -EPERM;
	return 0;
}

/* File capabilities come back with each exec, and do not go with the uid. */
static int step_capabilities(const struct sandbox_options *o)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	if (syscall(SYS_capset, &head, none))
		return -errno;
	return setresuid((uid_t)-1, 0, (uid_t)-1) == 0 ? -EPERM : 0; /* root must be out of reach */
}

static int step_new_privileges(const struct sandbox_options *o)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

/* Both are cleared by a change of uid, so they come after it. The parent may have ended
 * before PDEATHSIG was set. */
static int step_parent(const struct sandbox_options *o)
{
	pid_t parent = o->monitor ? o->monitor : getppid();

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return -errno;
	return getppid() == parent ? 0 : -ESRCH;
}

static int step_landlock(const struct sandbox_options *o)
{
	int err = landlock_enter(o->unsafe);

	return err ? err : limit(RLIMIT_NOFILE, o->unsafe ? NOFILE_UNSAFE : NOFILE_STRICT);
}

int sandbox_enter(const struct sandbox_options *o, const char **why)
{
	static const struct {
		int (*run)(const struct sandbox_options *);
		const char *why;
	} steps[] = {
		{ step_descriptors, "closing descriptors" },
		{ step_limits, "setting resource limits" },
		{ step_memory, "setting memory rules" },
		{ step_time_zone, "reading the time zone" },
		{ step_bounding_set, "dropping the capability bounding set" },
		{ step_user, "changing to the unprivileged user" },
		{ step_capabilities, "dropping capabilities" },
		{ step_new_privileges, "setting no_new_privs" },
		{ step_parent, "tying the worker to its monitor" },
		{ step_landlock, "setting Landlock rules" },
		{ seccomp_enter, "setting the seccomp filter" },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int err = steps[i].run(o);

		if (err) {
			*why = steps[i].why;
			return err;
		}
	}
	return 0;
}

/* ---- for the monitor */

size_t sandbox_limit_stack(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_STACK, &r))
		return 0;
	r.rlim_cur = r.rlim_max < SANDBOX_STACK_LEN ? r.rlim_max : SANDBOX_STACK_LEN;
	return setrlimit(RLIMIT_STACK, &r) ? 0 : (size_t)r.rlim_cur;
}

void sandbox_protect_monitor(void)
{
	limit(RLIMIT_CORE, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

bool sandbox_jit_allowed(void)
{
	size_t len = 4096;
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool ok;

	if (p == MAP_FAILED)
		return false;
	ok = mprotect(p, len, PROT_READ | PROT_EXEC) == 0;
	munmap(p, len);
	return ok;
}
