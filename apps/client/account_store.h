/* SPDX-License-Identifier: Apache-2.0 */
/* account_store.h - the accounts in the state folder: a file each, durable when a call returns.
 *
 * FOLDER/accounts/ID.json, 0600, replaced whole. Passwords and keys in it are sealed with
 * FOLDER/client.key, bound to account and field. A file that cannot be understood is left alone,
 * told in the log, and its account is missing; the others work. FOLDER/machine holds the number by
 * which servers know this machine. Control thread.
 */
#pragma once

#include "apps/client/account.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

enum { ACCOUNT_STORE_MAX = 1000, ACCOUNT_FILE_MAX = 1024 * 1024 };

struct account_store;

/* Makes what is missing. NULL when the folder cannot be used or the key is damaged. */
struct account_store *account_store_open(const char *folder, GError **error);
void account_store_free(struct account_store *s);

/* struct account, by name; borrowed, as all below until the account is changed. */
GPtrArray *account_store_all(struct account_store *s);
const struct account *account_store_get(const struct account_store *s, const char *name);

/* A new account or the new version of one (by id). Takes a on success only. Fails when another has
 * the name. */
bool account_store_put(struct account_store *s, struct account *a, GError **error);
bool account_store_delete(struct account_store *s, const char *name, GError **error);

const uint8_t *account_store_machine(const struct account_store *s); /* 20 bytes */
