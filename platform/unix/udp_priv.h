/* SPDX-License-Identifier: Apache-2.0 */
/* udp_priv.h - the socket behind struct pf_udp; for udp_batch.c and udp_steer.c only. */
#pragma once

#include "platform/platform.h"

#include <netinet/in.h>
#include <sys/socket.h>

enum { UDP_BATCH = 64, UDP_BUFFER = 4 * 1024 * 1024 };

union udp_control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct in_pktinfo)) +
               CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct pf_udp {
    int fd;
    bool merge;         /* UDP_GRO is on */
    bool train;         /* UDP_SEGMENT works, as far as known */
    bool has_ip_header; /* what is received */
    struct mmsghdr msg[UDP_BATCH];
    struct iovec iov[UDP_BATCH];
    union udp_control control[UDP_BATCH];
};

/* Large ones, as far as the system lets us. */
void pf_udp_set_buffers(int fd);
