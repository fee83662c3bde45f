/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Whose connections are captured (-p, --follow, --comm, --uid, --cgroup), judged before
 * anything is copied.
 *
 * A connection is meant from when a process that is meant opened, read or wrote it: sockets
 * are inherited and passed on, so "no" holds only until somebody else uses it, and "yes" for
 * good. Who listened does not count: other processes may serve what comes.
 */
#ifndef SPF_WHO_H
#define SPF_WHO_H

const volatile struct spf_who cfg_who;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SPF_FOLLOWED);
	__type(key, u32);
	__type(value, u32);
} followed SEC(".maps");

static __always_inline bool has_name(struct task_struct *task)
{
	u64 is[2] = {};

	BPF_CORE_READ_INTO(&is, task, comm);
	return is[0] == *(const volatile u64 *)cfg_who.comm &&
	       is[1] == *(const volatile u64 *)(cfg_who.comm + 8);
}

static __always_inline bool is_in_cgroup(struct task_struct *task)
{
	struct cgroup *group = BPF_CORE_READ(task, cgroups, dfl_cgrp);
	int i;

	for (i = 0; i < 16 && group; i++) {
		u64 parent;

		if (BPF_CORE_READ(group, kn, id) == cfg_who.cgroup)
			return true;
		parent = (u64)BPF_CORE_READ(group, self.parent);
		group = parent ? (void *)(parent - bpf_core_field_offset(struct cgroup, self)) : 0;
	}
	return false;
}

static __always_inline bool is_meant(struct task_struct *task)
{
	u32 tgid = BPF_CORE_READ(task, tgid);

	if (cfg_who.follows ? !bpf_map_lookup_elem(&followed, &tgid)
			    : cfg_who.pid && tgid != cfg_who.pid)
		return false;
	if (cfg_who.uid >= 0 && BPF_CORE_READ(task, cred, euid.val) != cfg_who.uid)
		return false;
	if (cfg_who.comm[0] && !has_name(task) && !has_name(BPF_CORE_READ(task, group_leader)))
		return false;
	return !cfg_who.cgroup || is_in_cgroup(task);
}

static __always_inline struct task_struct *current_task(void)
{
	return (struct task_struct *)bpf_get_current_task();
}

/* The process of a struct pid, NULL if it has ended. */
static __always_inline struct task_struct *pid_task(struct pid *pid)
{
	u64 link = pid ? (u64)BPF_CORE_READ(pid, tasks[PIDTYPE_TGID].first) : 0;

	if (!link)
		return 0;
	return (void *)(link - bpf_core_field_offset(struct task_struct, pid_links[PIDTYPE_TGID]));
}

/* ---- --follow: processes that are started later ------------------------------------------ */

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	u32 from = parent->tgid, to = child->tgid, one = 1;

	if (from == to || !bpf_map_lookup_elem(&followed, &from))
		return 0;
	if (bpf_map_update_elem(&followed, &to, &one, BPF_ANY))
		__sync_fetch_and_add(&control.follow_lost, 1);
	return 0;
}

/* Its number will be another's. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	u32 tgid = task->tgid;

	if (!task->signal->live.counter)
		bpf_map_delete_elem(&followed, &tgid);
	return 0;
}

#endif
