/* SPDX-License-Identifier: BSD-2-Clause */
/* What a user types as SOCKET, as the names the kernel may know it by. */
#ifndef SPF_CAPTURE_TARGET_H
#define SPF_CAPTURE_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/event.h"

enum { TARGET_NAME_LEN = 108, TARGET_FORMS = 3, TARGET_FILES = 3 };

struct target {
	uint8_t name[TARGET_NAME_LEN]; /* as in sun_path; abstract names begin with a NUL */
	uint32_t name_len;
	bool is_prefix;
};

/* Fills up to TARGET_FORMS targets: the name made absolute, and with symbolic links resolved
 * (of the file, or of the folder if there is no file yet). "@name" is abstract; "*" has none. What
 * stands before the first * ? or [ is a prefix; target_matches() then judges the whole name.
 * Returns how many. */
int target_parse(const char *typed, struct target *list);

/* Fills up to TARGET_FILES: what the target is as a file, whatever name it was bound by. None
 * for what has no file, or whose folder is not there. Returns how many. */
int target_files(const char *typed, struct spf_file_target *list);

/* The typed targets with their absolute and resolved forms, as printable patterns: what
 * target_matches() takes. NULL-terminated; free with target_free_patterns(). */
char **target_patterns(char *const *typed);
void target_free_patterns(char **patterns);

/* True if a bound name, printed as struct chunk's addr, is meant by one of the patterns. No
 * patterns mean every name. */
bool target_matches(char *const *patterns, const char *addr);

/* The name to show for a socket that was found by its file, or by the folder of a glob: the
 * path that was typed if it is bound by a relative one, else its own. NULL if the glob does not
 * mean it. Freed by the caller. */
char *target_by_file(char *const *patterns, const char *addr, bool is_folder);

/* Judges a target before the capture: returns NULL if it can be watched, now or later, else one
 * line that says what is wrong with it (a regular file, a name too long); freed by the caller. */
char *target_check(const char *typed);

/* True if it is one path or abstract name: no glob or TCP port. */
bool target_is_name(const char *typed);

#endif
