/* SPDX-License-Identifier: Apache-2.0 */
/* offload_priv.h - struct pf_offload to and from the kernel's virtio-net header; this folder only.
 *
 * The header is the legacy one of ten bytes in the byte order of this machine, which is what TAP
 * and AF_PACKET use unless told otherwise.
 */
#pragma once

#include "platform/platform.h"

#include <glib.h>

#include <linux/virtio_net.h>
#include <sys/uio.h>

G_STATIC_ASSERT(sizeof(struct virtio_net_hdr) == 10);
G_STATIC_ASSERT(PF_NEEDS_CSUM == VIRTIO_NET_HDR_F_NEEDS_CSUM);
G_STATIC_ASSERT(PF_CSUM_OK == VIRTIO_NET_HDR_F_DATA_VALID);
/* A gathered packet can be handed to the system as it is. */
G_STATIC_ASSERT(sizeof(struct pf_slice) == sizeof(struct iovec));
G_STATIC_ASSERT(offsetof(struct pf_slice, at) == offsetof(struct iovec, iov_base));
G_STATIC_ASSERT(offsetof(struct pf_slice, len) == offsetof(struct iovec, iov_len));

/* UDP_L4: many datagrams. The 3 of old kernels, one datagram in fragments, is not supported. */
enum { OFFLOAD_GSO_UDP_L4 = 5 };

static inline struct virtio_net_hdr
offload_to_header(const struct pf_offload *off)
{
    struct virtio_net_hdr h = {0};
    if (off == NULL)
        return h;
    h.flags = off->flags & (PF_NEEDS_CSUM | PF_CSUM_OK);
    h.gso_type = off->gso_type;
    h.hdr_len = off->hdr_len;
    h.gso_size = off->gso_size;
    h.csum_start = off->csum_start;
    h.csum_offset = off->csum_offset;
    return h;
}

static inline struct pf_offload
offload_of_header(const struct virtio_net_hdr *h)
{
    struct pf_offload off = {
        .flags = h->flags & (PF_NEEDS_CSUM | PF_CSUM_OK),
        .gso_type = h->gso_type,
        .hdr_len = h->hdr_len,
        .gso_size = h->gso_size,
    };
    if (off.flags & PF_NEEDS_CSUM) { /* else they say nothing */
        off.csum_start = h->csum_start;
        off.csum_offset = h->csum_offset;
    }
    return off;
}

static inline bool
offload_is_known(const struct pf_offload *off)
{
    switch (off->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_NONE:
    case VIRTIO_NET_HDR_GSO_TCPV4:
    case VIRTIO_NET_HDR_GSO_TCPV6:
    case OFFLOAD_GSO_UDP_L4:
        return true;
    default:
        return false;
    }
}

static inline bool
offload_is_any(const struct pf_offload *off)
{
    return off != NULL && (off->gso_type != 0 || (off->flags & PF_NEEDS_CSUM));
}
