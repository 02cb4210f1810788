/* SPDX-License-Identifier: Apache-2.0 */
/* nat_kernel.h - whether a virtual host may leave its NAT to the kernel of this host. */
#pragma once

#include "core/base/types.h"
#include "core/hub/nat/vhost.h"
#include "platform/platform.h"

/* What this host is like. */
struct nat_kernel_facts {
    bool may_configure; /* adapters, routes and filters */
    bool has_nft;
    bool forwards4, forwards6;
    bool overlaps4, overlaps6;             /* the hub's network has a route already, */
    char via4[PF_IFNAME], via6[PF_IFNAME]; /* by this interface, or "" */
};

enum { NAT_WHY = 160 };

/* Whether the kernel does it; why: one sentence of the reason, either way. Looks at mode, families
 * and nothing else of the configuration. A mode of VHOST_NAT_KERNEL that is not possible is false
 * too. */
bool nat_kernel_decide(const struct vhost_config *config, const struct nat_kernel_facts *facts,
                       char why[NAT_WHY]);
