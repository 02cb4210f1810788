/* SPDX-License-Identifier: Apache-2.0 */
/* harden.c - gives up what the program will never need.
 *
 * Rights belong to threads: call it before any other thread is started, since those inherit what
 * is left. capset(2) is called by number, because libcap would be a library for one call.
 */

#include "platform/platform.h"
#include "platform/unix/error_priv.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAPABILITY_BITS = 64 };

static uint64_t
bit(unsigned capability)
{
    return UINT64_C(1) << capability;
}

/* New programs that we might start cannot gain what is not in the bounding set. Without CAP_SETPCAP
 * it cannot be cut; then it was not ours to begin with. */
static bool
cut_bounding_set(uint64_t keep, GError **error)
{
    for (unsigned i = 0; i < CAPABILITY_BITS; i++) {
        int has = prctl(PR_CAPBSET_READ, (unsigned long)i, 0UL, 0UL, 0UL);
        if (has < 0) /* beyond the last one this kernel has */
            return true;
        if (has == 0 || (keep & bit(i)))
            continue;
        if (prctl(PR_CAPBSET_DROP, (unsigned long)i, 0UL, 0UL, 0UL) < 0) {
            if (errno == EPERM)
                return true;
            return pf_fail(error, errno, "cannot give up capability %u", i);
        }
    }
    return true;
}

static bool
cut_sets(uint64_t keep, GError **error)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct set[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &head, set) < 0)
        return pf_fail(error, errno, "cannot read the capabilities");
    for (unsigned i = 0; i < G_N_ELEMENTS(set); i++) {
        uint32_t mask = (uint32_t)(keep >> 32 * i);
        set[i].permitted &= mask;
        set[i].effective = set[i].permitted;
        set[i].inheritable = 0;
    }
    /* Emptying the inheritable set empties the ambient one. */
    if (syscall(SYS_capset, &head, set) < 0)
        return pf_fail(error, errno, "cannot give up capabilities");
    return true;
}

bool
pf_harden(bool keep_net_admin, bool keep_net_raw, bool keep_bind, GError **error)
{
    struct rlimit none = {0, 0};
    uint64_t keep = (keep_net_admin ? bit(CAP_NET_ADMIN) : 0) |
                    (keep_net_raw ? bit(CAP_NET_RAW) : 0) |
                    (keep_bind ? bit(CAP_NET_BIND_SERVICE) : 0);

    if (setrlimit(RLIMIT_CORE, &none) < 0)
        return pf_fail(error, errno, "cannot switch core dumps off");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) < 0)
        return pf_fail(error, errno, "cannot give up gaining privileges");
    if (!cut_bounding_set(keep, error) || !cut_sets(keep, error))
        return false;
    /* Last: a change of rights can switch it on again. */
    if (prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) < 0)
        return pf_fail(error, errno, "cannot keep other programs out of the memory");
    return true;
}
