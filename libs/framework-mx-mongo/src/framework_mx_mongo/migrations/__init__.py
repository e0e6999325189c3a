"""What revisions of a MongoDB store are written with: `from framework_mx_mongo import migrations as m`."""

from framework_mx_mongo.documents.indexes import Index
from framework_mx_mongo.documents.layout import Column
from framework_mx_mongo.migrations.operations import Database
from framework_mx_mongo.migrations.patches import PatchMongo

__all__ = ["Column", "Database", "Index", "PatchMongo"]
