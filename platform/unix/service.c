/* SPDX-License-Identifier: Apache-2.0 */
/* service.c - tells the service manager how it goes: the protocol of sd_notify(3), a datagram to
 * the socket that NOTIFY_SOCKET names. No library: it is one datagram. */

#include "platform/platform.h"

#ifdef __GLIBC__
#    include <malloc.h>
#endif

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

enum { NOTIFY_WAIT_S = 1 };

/* The length of the address, 0 when it is none. */
static socklen_t
parse_address(const char *text, struct sockaddr_un *sun)
{
    size_t len = strlen(text);
    memset(sun, 0, sizeof *sun);
    sun->sun_family = AF_UNIX;
    if ((text[0] != '/' && text[0] != '@') || len < 2 || len >= sizeof sun->sun_path)
        return 0;
    memcpy(sun->sun_path, text, len);
    socklen_t base = offsetof(struct sockaddr_un, sun_path);
    if (text[0] == '/')
        return base + (socklen_t)len + 1;
    sun->sun_path[0] = '\0'; /* the abstract name space: no file, and its end is the length */
    return base + (socklen_t)len;
}

void
pf_service_notify(const char *state)
{
    struct sockaddr_un sun;
    struct timeval wait = {.tv_sec = NOTIFY_WAIT_S};
    const char *address = g_getenv("NOTIFY_SOCKET");
    socklen_t len = address != NULL ? parse_address(address, &sun) : 0;
    if (len == 0)
        return; /* nobody wants to know */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    /* READY=1 must not get lost because the manager is busy, nor may a dead one hold us up. */
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    ssize_t n;
    do
        n = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&sun, len);
    while (n < 0 && errno == EINTR);
    pf_close(fd);
}

/* glibc raises its thresholds to what was freed last; values that are set stay. */
void
pf_memory_setup(void)
{
#ifdef __GLIBC__
    enum { THRESHOLD = 256 * 1024 };
    /* NOLINTBEGIN(concurrency-mt-unsafe): there is one thread yet */
    (void)mallopt(M_MMAP_THRESHOLD, THRESHOLD);
    (void)mallopt(M_TRIM_THRESHOLD, THRESHOLD);
    /* NOLINTEND(concurrency-mt-unsafe) */
#endif
}

void
pf_memory_trim(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}
