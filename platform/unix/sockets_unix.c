/* SPDX-License-Identifier: Apache-2.0 */
/* sockets_unix.c - the local control socket.
 *
 * A dead socket file is replaced, a living one never. Between the question whether somebody
 * answers and the answer being ours lies a gap in which a second program could do the same, so
 * the folder is locked meanwhile. The file has its mode from the first moment: Linux takes it from
 * the socket's own (fchmod before bind), less the umask, and nobody can connect before listen.
 */

#include "platform/platform.h"
#include "platform/unix/error_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LOCK_TRIES = 50, LOCK_PAUSE_US = 20000, UNIX_BACKLOG = 64 };

/* A descriptor that holds the lock of the folder of path, or -1 where folders cannot be locked:
 * then two programs that start at the same instant are not told apart. -2 when it stays locked. */
static int
lock_folder(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return fd;
        if (errno != EWOULDBLOCK && errno != EINTR) {
            pf_close(fd);
            return -1;
        }
        g_usleep(LOCK_PAUSE_US);
    }
    pf_close(fd);
    return -2;
}

/* Removes a socket that nobody listens at. False when the path may not be used. */
static bool
make_room(const struct sockaddr_un *sun, GError **error)
{
    const char *path = sun->sun_path;
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT || pf_fail(error, errno, "cannot use the socket '%s'", path);
    if (!S_ISSOCK(st.st_mode))
        return pf_fail(error, EEXIST, "'%s' is not a socket and is left alone", path);

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return pf_fail(error, errno, "cannot make a local socket");
    int err = connect(fd, (const struct sockaddr *)sun, sizeof *sun) == 0 ? 0 : errno;
    pf_close(fd);
    if (err == 0 || err == EAGAIN) /* EAGAIN: its queue is full, so somebody is there */
        return pf_fail(error, EADDRINUSE, "another instance is running and answers at '%s'", path);
    if (err != ECONNREFUSED)
        return pf_fail(error, err, "cannot use the socket '%s'", path);
    if (unlink(path) < 0 && errno != ENOENT)
        return pf_fail(error, errno, "cannot remove the dead socket '%s'", path);
    return true;
}

static int
listen_at(const struct sockaddr_un *sun, unsigned mode, GError **error)
{
    if (!make_room(sun, error))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return pf_fail_fd(error, -1, "cannot make a local socket");
    if (fchmod(fd, (mode_t)mode) < 0 || bind(fd, (const struct sockaddr *)sun, sizeof *sun) < 0)
        return pf_fail_fd(error, fd, "cannot make the socket '%s'", sun->sun_path);
    if (chmod(sun->sun_path, (mode_t)mode) < 0 || listen(fd, UNIX_BACKLOG) < 0) {
        int err = errno;
        (void)unlink(sun->sun_path);
        errno = err;
        return pf_fail_fd(error, fd, "cannot listen at the socket '%s'", sun->sun_path);
    }
    return fd;
}

int
pf_unix_listen(const char *path, unsigned mode, GError **error)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len >= sizeof sun.sun_path) {
        (void)pf_fail(error, 0, "the path of the socket '%s' is too long: at most %zu bytes", path,
                      sizeof sun.sun_path - 1);
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(sun.sun_path, path, len + 1);

    int lock = lock_folder(path);
    if (lock == -2) {
        (void)pf_fail(error, EBUSY, "another instance is starting in the folder of '%s'", path);
        return -1;
    }
    int fd = listen_at(&sun, mode, error);
    pf_close(lock);
    return fd;
}

bool
pf_unix_peer(int fd, uint32_t *uid, uint32_t *gid, int32_t *pid)
{
    struct ucred who;
    socklen_t len = sizeof who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 || who.uid == (uid_t)-1)
        return false; /* nobody: what the system says of a socket that is not a Unix one */
    *uid = who.uid;
    *gid = who.gid;
    *pid = who.pid;
    return true;
}
