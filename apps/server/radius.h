/* SPDX-License-Identifier: Apache-2.0 */
/* radius.h - RADIUS, from the store's settings to a back-end of auth and a watch of the hubs.
 * Control thread. */
#pragma once

#include "core/auth/auth.h"
#include "core/hub/hubs.h"
#include "core/rpc/wire/fields.h"
#include "core/store/store.h"

struct radius;

/* store is borrowed. */
struct radius *radius_new(struct store *store);
/* After auth and the hubs. NULL is fine. */
void radius_free(struct radius *r);
/* To be chained into hubs_set_watch()'s; next is borrowed. */
const struct hub_watch *radius_watch(struct radius *r, const struct hub_watch *next);
/* Makes it auth's back-end, and takes CoA requests if a hub wants them. */
void radius_start(struct radius *r, struct auth *auth);
/* The settings of a hub are others, or it is gone. */
void radius_changed(struct radius *r, const char *hub);
/* The answer of GetHubRadius. */
void radius_put_status(struct radius *r, const char *hub, struct record *out);
void radius_test(struct radius *r, const char *hub);
