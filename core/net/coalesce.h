/* SPDX-License-Identifier: Apache-2.0 */
/* coalesce.h - finds TCP packets of a batch that can leave as one super-frame.
 *
 * The inverse of core/net/segment.h, for ports that take super-frames (an adapter, a card with
 * offload): the kernel then walks its stack once for up to 64 packets. Packets of a flow are
 * joined when segmenting the result would give back exactly them, which is also what the GRO
 * engines of kernels ask: consecutive sequence numbers, equal sizes but for a shorter last one,
 * and no difference in any header field that segmentation would not restore.
 *
 * Nothing is copied, allocated or changed: frames that are shared with other ports stay as they
 * are. The plan names frames by their place in the batch. The packets of one flow keep their
 * order; flows that are interleaved in the batch are each gathered at their first packet.
 *
 * Use: coalesce_plan(&plan, batch), then for each of plan.n groups coalesce_iov() and a send.
 */
#pragma once

#include "core/base/batch.h"
#include "core/net/eth.h"
#include "core/net/ip6.h"
#include "core/net/tcp.h"
#include "platform/platform.h"

#include <stdint.h>

enum {
    COALESCE_FLOWS = 16, /* gathered at the same time; the oldest gives way */
    COALESCE_HEADER_MAX = ETH_HEADER_MAX + IP6_HEADER + TCP_HEADER_MAX,
    COALESCE_IOV_MAX = BATCH_MAX + 1,
    COALESCE_IP_MAX = 65535, /* of a joined packet, with its IP header */
};

/* One packet to send: a frame as it is (n is 1) or several joined. */
struct coalesce_group {
    uint8_t first; /* index in the batch; the others follow by coalesce_plan.next */
    uint8_t last;
    uint8_t n;
    uint8_t flags; /* of TCP, joined */
    bool is_open;  /* private: may still grow */
    uint16_t l3;
    uint16_t l4;
    uint16_t header_len;                 /* Ethernet to TCP */
    uint16_t size;                       /* payload of each but the last */
    uint32_t payload;                    /* of all */
    uint8_t header[COALESCE_HEADER_MAX]; /* of the joined packet; only if n > 1 */
};

struct coalesce_plan {
    unsigned n;
    uint8_t next[BATCH_MAX];
    struct coalesce_group group[BATCH_MAX]; /* in the order of their first frames */
};

/* Plans a batch that leaves by one port. Linear in its size; 12 KiB, on the stack. */
void coalesce_plan(struct coalesce_plan *plan, const struct batch *b);

/* The pieces and marks of one group; returns how many pieces. They point into the plan and the
 * frames, and live as long as both. */
unsigned coalesce_iov(const struct coalesce_plan *plan, const struct batch *b, unsigned group,
                      struct pf_slice iov[COALESCE_IOV_MAX], struct pf_offload *off);

/* The marks of a frame as the platform wants them. */
void coalesce_marks(const struct frame *f, struct pf_offload *off);
