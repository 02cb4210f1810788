/* SPDX-License-Identifier: Apache-2.0 */
/* test-sockets.c - the contract of TCP and Unix sockets; on the loop-back only. */

#include "platform/platform.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LOOPBACK = 0x7f000001 };

static struct sockaddr_in
loopback(in_port_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(LOOPBACK)};
}

static in_port_t
port_of(int fd)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&ss, &len), ==, 0);
    struct sockaddr_in in;
    memcpy(&in, &ss, sizeof in); /* the port is at the same place in both families */
    return in.sin_port;
}

static void
wait_for(int fd, unsigned want)
{
    struct pf_poller *p = pf_poller_new(NULL);
    struct pf_event ev = {0};
    g_assert_true(pf_poller_add(p, fd, want, NULL));
    g_assert_cmpuint(pf_poller_wait(p, &ev, 1, 5 * G_USEC_PER_SEC), ==, 1);
    pf_poller_free(p);
}

static int
get_int(int fd, int level, int option)
{
    int value = -1;
    socklen_t len = sizeof value;
    g_assert_cmpint(getsockopt(fd, level, option, &value, &len), ==, 0);
    return value;
}

/* A connected pair over TCP. */
static void
tcp_pair(int out[2])
{
    g_autoptr(GError) error = NULL;
    struct sockaddr_in any = loopback(0);
    int l = pf_tcp_listen((struct sockaddr *)&any, sizeof any, 4, &error);
    g_assert_no_error(error);
    struct sockaddr_storage peer;
    unsigned len = 0;
    g_assert_cmpint(pf_tcp_accept(l, &peer, &len), ==, -1);
    g_assert_cmpint(errno, ==, EAGAIN);

    struct sockaddr_in to = loopback(port_of(l));
    out[0] = pf_tcp_connect((struct sockaddr *)&to, sizeof to, 0, &error);
    g_assert_no_error(error);
    wait_for(out[0], PF_WRITE);
    g_assert_cmpint(pf_socket_error(out[0]), ==, 0);
    wait_for(l, PF_READ);
    out[1] = pf_tcp_accept(l, &peer, &len);
    g_assert_cmpint(out[1], >=, 0);
    g_assert_cmpuint(len, ==, sizeof(struct sockaddr_in));
    struct sockaddr_in who;
    memcpy(&who, &peer, sizeof who);
    g_assert_cmpuint(who.sin_port, ==, port_of(out[0]));
    pf_close(l);
}

static void
test_tcp(void)
{
    int s[2];
    char buf[16];
    tcp_pair(s);
    for (int i = 0; i < 2; i++) {
        g_assert_cmpint(fcntl(s[i], F_GETFL) & O_NONBLOCK, ==, O_NONBLOCK);
        g_assert_cmpint(fcntl(s[i], F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
        g_assert_cmpint(get_int(s[i], IPPROTO_TCP, TCP_NODELAY), !=, 0);
    }
    g_assert_cmpint(pf_recv(s[1], buf, sizeof buf), ==, -1);
    g_assert_cmpint(pf_send(s[0], "hello", 5), ==, 5);
    wait_for(s[1], PF_READ);
    g_assert_cmpint(pf_recv(s[1], buf, 0), ==, -1);
    g_assert_cmpint(pf_recv(s[1], buf, sizeof buf), ==, 5);
    g_assert_cmpmem(buf, 5, "hello", 5);

    pf_close(s[0]);
    wait_for(s[1], PF_READ);
    g_assert_cmpint(pf_recv(s[1], buf, sizeof buf), ==, 0);
    long r = pf_send(s[1], "x", 1); /* the first one is what makes the peer answer RST */
    for (int i = 0; i < 100 && r > 0; i++) {
        g_usleep(1000);
        r = pf_send(s[1], "x", 1);
    }
    g_assert_cmpint(r, ==, -2); /* and no SIGPIPE */
    pf_close(s[1]);
}

static void
test_tcp_full(void)
{
    static char block[65536];
    int s[2];
    tcp_pair(s);
    pf_tcp_tune_tunnel(s[0], 128 * 1024);
    g_assert_cmpint(get_int(s[0], IPPROTO_TCP, TCP_NOTSENT_LOWAT), ==, 128 * 1024);
    g_assert_cmpint(get_int(s[0], IPPROTO_TCP, TCP_USER_TIMEOUT), ==, 30000);
    g_assert_cmpint(get_int(s[0], SOL_SOCKET, SO_KEEPALIVE), !=, 0);
    long r = 0;
    for (int i = 0; i < 10000 && r >= 0; i++)
        r = pf_send(s[0], block, sizeof block);
    g_assert_cmpint(r, ==, -1);
    pf_close(s[0]);
    pf_close(s[1]);
}

static void
test_tcp_errors(void)
{
    g_autoptr(GError) error = NULL;
    struct sockaddr_in any = loopback(0);
    int l = pf_tcp_listen((struct sockaddr *)&any, sizeof any, 4, &error);
    g_assert_no_error(error);
    struct sockaddr_in to = loopback(port_of(l));
    g_assert_cmpint(pf_tcp_listen((struct sockaddr *)&to, sizeof to, 4, &error), ==, -1);
    g_assert_nonnull(error);
    g_autofree char *port = g_strdup_printf("TCP port %u: ", ntohs(to.sin_port));
    g_assert_nonnull(strstr(error->message, port));
    g_clear_error(&error);
    pf_close(l);

    int c = pf_tcp_connect((struct sockaddr *)&to, sizeof to, 0, &error);
    if (c >= 0) { /* the loop-back may tell at once */
        wait_for(c, PF_WRITE);
        g_assert_cmpint(pf_socket_error(c), ==, ECONNREFUSED);
        pf_close(c);
    } else {
        g_assert_nonnull(error);
    }
}

static void
test_dual_stack(void)
{
    g_autoptr(GError) error = NULL;
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    int l = pf_tcp_listen((struct sockaddr *)&any, sizeof any, 4, &error);
    if (l < 0) {
        g_test_skip("this system has no IPv6");
        return;
    }
    struct sockaddr_in to = loopback(port_of(l));
    int c = pf_tcp_connect((struct sockaddr *)&to, sizeof to, 0, &error);
    g_assert_no_error(error);
    wait_for(l, PF_READ);
    struct sockaddr_storage peer;
    unsigned len = 0;
    int s = pf_tcp_accept(l, &peer, &len);
    g_assert_cmpint(s, >=, 0);
    g_assert_cmpint(peer.ss_family, ==, AF_INET6);
    pf_close(s);
    pf_close(c);
    pf_close(l);
}

static int
unix_connect(const char *path)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    (void)g_strlcpy(sun.sun_path, path, sizeof sun.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(connect(fd, (struct sockaddr *)&sun, sizeof sun), ==, 0);
    return fd;
}

static void
test_unix(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("polyether-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "s.sock", NULL);
    struct stat st;

    int l = pf_unix_listen(path, 0660, &error);
    g_assert_no_error(error);
    g_assert_cmpint(lstat(path, &st), ==, 0);
    g_assert_cmpuint(st.st_mode & 07777, ==, 0660);

    int c = unix_connect(path);
    struct sockaddr_storage peer;
    unsigned len = 0;
    int s = pf_tcp_accept(l, &peer, &len);
    g_assert_cmpint(s, >=, 0);
    uint32_t uid = 0, gid = 0;
    int32_t pid = 0;
    g_assert_true(pf_unix_peer(s, &uid, &gid, &pid));
    g_assert_cmpuint(uid, ==, geteuid());
    g_assert_cmpuint(gid, ==, getegid());
    g_assert_cmpint(pid, ==, getpid());
    pf_close(s);
    pf_close(c);

    g_assert_cmpint(pf_unix_listen(path, 0600, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "another instance is running"));
    g_clear_error(&error);

    pf_close(l); /* dead now, its file still there */
    g_assert_cmpint(lstat(path, &st), ==, 0);
    l = pf_unix_listen(path, 0600, &error);
    g_assert_no_error(error);
    g_assert_cmpint(lstat(path, &st), ==, 0);
    g_assert_cmpuint(st.st_mode & 07777, ==, 0600);
    pf_close(unix_connect(path));
    pf_close(l);
    (void)g_unlink(path);
    (void)g_rmdir(folder);
}

static void
test_unix_errors(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("polyether-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "file", NULL);

    g_assert_true(g_file_set_contents(path, "precious", -1, NULL));
    g_assert_cmpint(pf_unix_listen(path, 0600, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "not a socket"));
    g_clear_error(&error);
    g_assert_true(g_file_test(path, G_FILE_TEST_IS_REGULAR));

    char name[128];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    g_autofree char *too_long = g_build_filename(folder, name, NULL);
    g_assert_cmpint(pf_unix_listen(too_long, 0600, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "too long"));
    g_clear_error(&error);

    g_autofree char *nowhere = g_build_filename(folder, "none", "s.sock", NULL);
    g_assert_cmpint(pf_unix_listen(nowhere, 0600, &error), ==, -1);
    g_assert_nonnull(error);
    (void)g_unlink(path);
    (void)g_rmdir(folder);
}

static void
test_not_unix(void)
{
    int s[2];
    uint32_t uid = 0, gid = 0;
    int32_t pid = 0;
    tcp_pair(s);
    g_assert_false(pf_unix_peer(s[0], &uid, &gid, &pid));
    pf_close(s[0]);
    pf_close(s[1]);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/platform/sockets/tcp", test_tcp);
    g_test_add_func("/platform/sockets/tcp-full", test_tcp_full);
    g_test_add_func("/platform/sockets/tcp-errors", test_tcp_errors);
    g_test_add_func("/platform/sockets/dual-stack", test_dual_stack);
    g_test_add_func("/platform/sockets/unix", test_unix);
    g_test_add_func("/platform/sockets/unix-errors", test_unix_errors);
    g_test_add_func("/platform/sockets/unix-peer-of-tcp", test_not_unix);
    return g_test_run();
}
