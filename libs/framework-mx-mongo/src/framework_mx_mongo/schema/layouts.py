"""Changes of the layouts that a database keeps, each by one operation, and of the validators that they demand."""

from __future__ import annotations

from framework_mx_mongo.documents.layout import SCHEMA, Column, Layout
from framework_mx_mongo.engine.driver import MongoDriver
from framework_mx_mongo.engine.error_translation import translate_errors

__all__ = ["apply_validator", "put_column", "remove_column"]


async def put_column(driver: MongoDriver, collection: str, key: str, column: Column) -> None:
    """Add a column to a layout, or change it."""
    [entry] = Layout({key: column}).record()["columns"]
    layouts = driver.get_collection(SCHEMA)
    with translate_errors():
        known = {"_id": {"$eq": collection}, "columns.name": {"$eq": key}}
        if not (await layouts.update_one(known, {"$set": {"columns.$": entry}})).matched_count:
            lacking = {"_id": {"$eq": collection}, "columns.name": {"$ne": key}}
            await layouts.update_one(lacking, {"$push": {"columns": entry}})


async def remove_column(driver: MongoDriver, collection: str, key: str) -> None:
    """Remove a column from a layout."""
    with translate_errors():
        await driver.get_collection(SCHEMA).update_one(
            {"_id": {"$eq": collection}}, {"$pull": {"columns": {"name": {"$eq": key}}}}
        )


async def apply_validator(driver: MongoDriver, collection: str, layout: Layout) -> None:
    """Give a collection the validator of a layout."""
    with translate_errors():
        await driver.database.command({"collMod": collection, "validator": layout.make_validator()})
