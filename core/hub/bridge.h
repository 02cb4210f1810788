/* SPDX-License-Identifier: Apache-2.0 */
/* bridge.h - a local bridge: a hub's port on a network card or on a TAP adapter that it makes.
 *
 * Offloads are carried, not disabled: super-frames and partial checksums pass in both directions
 * with their marks where the card can, and are segmented and completed in software where it cannot.
 * Nothing that leaves has a wrong checksum or is longer than the card's MTU allows. When the card
 * goes away the bridge stays, in the state "error", and looks for it again every two seconds.
 */
#pragma once

#include "core/hub/hubs.h"

struct bridge;

struct bridge_config {
    const char *hub;
    const char *device; /* card, or name of the adapter to make */
    bool tap;
};

enum bridge_state {
    BRIDGE_OFFLINE /* no such hub, or it is offline */,
    BRIDGE_ERROR /* no device */,
    BRIDGE_ACTIVE
};

/* Control. Starts at once, and again by itself whenever device or hub appear. NULL only for what
 * can never work (PE_LOCAL_BRIDGE_UNSUPPORTED: no rights; PE_INVALID_PARAMETER). */
struct bridge *bridge_new(struct hubs *hubs, const struct bridge_config *config, GError **error);
void bridge_free(struct bridge *b);
enum bridge_state bridge_get_state(const struct bridge *b);
const struct bridge_config *bridge_get_config(const struct bridge *b);
