/* SPDX-License-Identifier: Apache-2.0 */
/* netns.h - a network namespace for one test program, which goes when the program ends.
 *
 * Nothing outside is touched. As root a namespace of the network alone, else one of users around
 * it; where the system refuses both, the tests that need it are skipped with the reason.
 */
#pragma once

#include <glib.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static inline bool
netns_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t len = (ssize_t)strlen(text);
    bool ok = fd >= 0 && write(fd, text, (size_t)len) == len;
    return (fd < 0 || close(fd) == 0) && ok;
}

/* Runs a program; true when it succeeds. */
static inline bool G_GNUC_PRINTF(1, 2) netns_try(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_autofree char *line = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_autofree char *output = NULL;
    g_autofree char *complaint = NULL;
    int status = -1;
    bool ok = g_spawn_command_line_sync(line, &output, &complaint, &status, NULL) && status == 0;
    if (!ok)
        g_test_message("%s: %s%s", line, complaint != NULL ? complaint : "cannot be run",
                       output != NULL ? output : "");
    return ok;
}

/* The output of a program, which must succeed; free with g_free. */
static inline char *G_GNUC_PRINTF(1, 2) netns_output(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_autofree char *line = g_strdup_vprintf(format, ap);
    va_end(ap);
    char *output = NULL;
    int status = -1;
    g_autoptr(GError) error = NULL;
    bool ok = g_spawn_command_line_sync(line, &output, NULL, &status, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    g_assert_cmpint(status, ==, 0);
    return output;
}

/* Enters the namespace. NULL, or why the tests must be skipped. Before any thread is started. */
static inline const char *
netns_enter(void)
{
    unsigned uid = geteuid();
    unsigned gid = getegid();
    if (unshare(uid == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return "this system gives no network namespace";
    if (uid != 0) {
        g_autofree char *uids = g_strdup_printf("0 %u 1\n", uid);
        g_autofree char *gids = g_strdup_printf("0 %u 1\n", gid);
        if (!netns_write("/proc/self/setgroups", "deny") ||
            !netns_write("/proc/self/uid_map", uids) || !netns_write("/proc/self/gid_map", gids))
            return "this system gives no user namespace";
    }
    g_autofree char *ip = g_find_program_in_path("ip");
    if (ip == NULL)
        return "the program 'ip' is not installed";
    /* Addresses that the kernel makes by itself would talk into the tests. */
    (void)netns_write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
    return netns_try("ip link set lo up") ? NULL : "the namespace cannot be configured";
}
