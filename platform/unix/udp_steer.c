/* SPDX-License-Identifier: Apache-2.0 */
/* udp_steer.c - which socket gets a packet, said by classic BPF: of a group of UDP sockets, and of
 * raw sockets, each of which would see all packets otherwise. */

#include "platform/platform.h"
#include "platform/unix/error_priv.h"
#include "platform/unix/udp_priv.h"

#include <linux/filter.h>
#include <unistd.h>

bool
pf_udp_steer(struct pf_udp *u, unsigned at, unsigned instead)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, at),
        BPF_STMT(BPF_JMP | BPF_JA, 1),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, instead),
        BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 1), /* 0 becomes a number that there is not */
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    const struct sock_fprog program = {.len = G_N_ELEMENTS(code), .filter = code};
    return setsockopt(u->fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0;
}

static bool
set_filter(int fd, int family, uint8_t first)
{
    struct sock_filter any4[] = {
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), /* length of the IP header */
        BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, first, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),  BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_filter any6[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, first, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_filter none[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    struct sock_fprog program = {.len = G_N_ELEMENTS(none), .filter = none};
    if (first != 0)
        program = family == 4 ? (struct sock_fprog){.len = G_N_ELEMENTS(any4), .filter = any4}
                              : (struct sock_fprog){.len = G_N_ELEMENTS(any6), .filter = any6};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

static bool
set_pktinfo(int fd, int family)
{
    const int on = 1;
    return family == 4 ? setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0
                       : setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == 0;
}

struct pf_udp *
pf_raw_open(int family, uint8_t protocol, uint8_t first, GError **error)
{
    int domain = family == 4 ? AF_INET : AF_INET6;
    int fd = socket(domain, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0 || !set_filter(fd, family, first) || !set_pktinfo(fd, family)) {
        (void)pf_fail_fd(error, fd, "cannot open IP protocol %u", protocol);
        return NULL;
    }
    pf_udp_set_buffers(fd);
    struct pf_udp *u = g_new0(struct pf_udp, 1);
    u->fd = fd;
    u->has_ip_header = family == 4;
    return u;
}
