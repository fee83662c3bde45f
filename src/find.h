/* SPDX-License-Identifier: BSD-2-Clause */
/* Where scripts live. A name with a slash is that file; any other is NAME.lua in --script-dir,
 * in the folders of $SPF_PATH, in ~/.config/spf/scripts of the invoking user, in the installed
 * scripts, and in scripts/ of the build tree that spf runs from. Never the current folder. */
#ifndef SPF_FIND_H
#define SPF_FIND_H

/* The folders, in order; NULL-terminated. Free with find_free(). */
char **find_folders(const char *script_dir);
void find_free(char **folders);

/* The path of a script, freed by the caller; NULL with *why set (freed by the caller): where
 * it was looked for, and a name that is near. */
char *find_script(const char *name, const char *script_dir, char **why);

#endif
