/* SPDX-License-Identifier: Apache-2.0 */
/* test-service.c - telling the service manager, and giving up rights. */

#include "platform/platform.h"

#include <glib/gstdio.h>

#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A manager that listens; abstract: the name is not a file. */
static int
listen_as_manager(const char *name, bool abstract)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    (void)g_strlcpy(sun.sun_path, name, sizeof sun.sun_path);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    if (abstract)
        sun.sun_path[0] = '\0';
    else
        len++;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&sun, len), ==, 0);
    g_assert_true(g_setenv("NOTIFY_SOCKET", name, TRUE));
    return fd;
}

static void
assert_told(int fd, const char *state)
{
    char buf[64];
    pf_service_notify(state);
    ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
    g_assert_cmpint(n, ==, (ssize_t)strlen(state));
    g_assert_cmpint(memcmp(buf, state, (size_t)n), ==, 0);
}

static void
test_notify(void)
{
    g_autofree char *folder = g_dir_make_tmp("polyether-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "notify", NULL);
    int fd = listen_as_manager(path, false);
    assert_told(fd, "READY=1");
    assert_told(fd, "STATUS=3 sessions");
    pf_close(fd);
    pf_service_notify("STOPPING=1"); /* the manager is gone: no harm */
    (void)g_unlink(path);
    (void)g_rmdir(folder);

    g_autofree char *name = g_strdup_printf("@polyether-test-%d", (int)getpid());
    fd = listen_as_manager(name, true);
    assert_told(fd, "STOPPING=1");
    pf_close(fd);
}

static void
test_notify_nobody(void)
{
    static const char *const bad[] = {"", "@", "/", "relative", "vsock:2:1234"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_true(g_setenv("NOTIFY_SOCKET", bad[i], TRUE));
        pf_service_notify("READY=1");
    }
    g_autofree char *name = g_strnfill(200, 'x');
    name[0] = '/';
    g_assert_true(g_setenv("NOTIFY_SOCKET", name, TRUE));
    pf_service_notify("READY=1");
    g_unsetenv("NOTIFY_SOCKET");
    pf_service_notify("READY=1");
}

/* A line of /proc/self/status as a number in base 16. */
static guint64
status(const char *field)
{
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents("/proc/self/status", &text, NULL, NULL));
    g_autofree char *label = g_strdup_printf("\n%s:\t", field);
    const char *at = strstr(text, label);
    g_assert_nonnull(at);
    return g_ascii_strtoull(at + strlen(label), NULL, 16);
}

enum { BIT_BIND = 1 << 10, BIT_ADMIN = 1 << 12, BIT_RAW = 1 << 13 };

static void
harden_and_check(void)
{
    g_autoptr(GError) error = NULL;
    guint64 had = status("CapPrm");
    g_assert_true(pf_harden(false, true, true, &error));
    g_assert_no_error(error);

    struct rlimit core;
    g_assert_cmpint(getrlimit(RLIMIT_CORE, &core), ==, 0);
    g_assert_cmpuint(core.rlim_max, ==, 0);
    g_assert_cmpint(prctl(PR_GET_DUMPABLE, 0UL, 0UL, 0UL, 0UL), ==, 0);
    g_assert_cmpuint(status("NoNewPrivs"), ==, 1);
    g_assert_cmpuint(status("CapPrm"), ==, had & (BIT_BIND | BIT_RAW));
    g_assert_cmpuint(status("CapEff"), ==, had & (BIT_BIND | BIT_RAW));
    g_assert_cmpuint(status("CapInh"), ==, 0);
    g_assert_cmpuint(status("CapAmb"), ==, 0);
    if (had & BIT_ADMIN) { /* as root: with CAP_SETPCAP, most likely */
        g_assert_cmpuint(status("CapBnd") & ~(guint64)(BIT_BIND | BIT_RAW), ==, 0);
        g_assert_false(pf_can(PF_CAP_NET_ADMIN));
        g_assert_false(pf_can(PF_CAP_TAP));
        g_assert_true(pf_can(PF_CAP_RAW_ETHERNET));
        g_assert_true(pf_can(PF_CAP_LOW_PORTS));
    }
    g_assert_true(pf_harden(false, false, false, &error)); /* and once more, further down */
    g_assert_no_error(error);
    g_assert_cmpuint(status("CapEff"), ==, 0);
    g_assert_false(pf_can(PF_CAP_RAW_ETHERNET));
    g_assert_true(pf_can(PF_CAP_REUSEPORT_SPREAD));
}

static void
test_harden(void)
{
    if (g_test_subprocess()) {
        harden_and_check();
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed();
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/platform/service/notify", test_notify);
    g_test_add_func("/platform/service/notify-nobody", test_notify_nobody);
    g_test_add_func("/platform/harden", test_harden);
    return g_test_run();
}
