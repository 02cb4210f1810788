/* SPDX-License-Identifier: Apache-2.0 */
/* bridge_link.h - what a bridge stands on: a network card or a virtual adapter, behind one set of
 * calls. They mean what pf_etherlink_...() in platform.h means. */
#pragma once

#include "core/base/types.h"
#include "platform/platform.h"

#include <glib.h>

#include <stdbool.h>

struct bridge_link_ops {
    int (*receive)(void *handle, struct pf_slice *buf, struct pf_offload *off, unsigned n);
    int (*send)(void *handle, const struct pf_packet *p, unsigned n, unsigned *refused);
    unsigned (*mtu)(const void *handle);
    void (*close)(void *handle);
};

/* By value, embedded. No handle: not open. */
struct bridge_link {
    const struct bridge_link_ops *ops;
    void *handle;
    int fd;
    bool offload; /* takes super-frames and partial checksums */
};

/* Fills *out, or touches nothing. The adapter is made and switched on. Short, but the system may
 * take some milliseconds. */
bool
bridge_link_open(struct bridge_link *out, const char *device, bool tap, GError **error) MUST_CHECK;
/* Harmless when not open. */
void bridge_link_close(struct bridge_link *link);
