/* SPDX-License-Identifier: Apache-2.0 */
/* migrate.h - brings a database to the newest schema, one step a version, each step a transaction.
 *
 * The version is SQLite's user_version: the number of steps that were taken. A step that was
 * released never changes again; what is to be different is a new step. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

#include <stdbool.h>

/* SQL from version i to i + 1. */
extern const char *const store_steps[];
extern const unsigned store_n_steps;

/* Foreign keys must be off; each step ends with a check of them. False and error when the database
 * is newer than the steps (it is left alone) or a step fails (the ones before it stay). */
bool store_migrate(sqlite3 *db, const char *const *steps, unsigned n_steps, GError **error);
