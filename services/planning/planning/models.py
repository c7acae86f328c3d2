"""What all tables share: those of the rooms, and in copies.py those of what others own."""

from chassis.database import TYPES
from chassis.schema import service_metadata
from sqlalchemy.orm import DeclarativeBase

#: A reserved day, or what is told of it, goes only with the family or the child that is erased.
_GUARDS = (
    """CREATE FUNCTION refuse_loss() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM erased WHERE id IN (OLD.dossier_id, OLD.child_id)) THEN
            RETURN OLD;
        END IF;
        RAISE 'permission denied: % loses only what is erased', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END $$""",
    """CREATE TRIGGER lost_when_erased BEFORE DELETE ON entries
    FOR EACH ROW EXECUTE FUNCTION refuse_loss()""",
    """CREATE TRIGGER lost_when_erased BEFORE DELETE ON reservations
    FOR EACH ROW EXECUTE FUNCTION refuse_loss()""",
)


class Base(DeclarativeBase):
    metadata = service_metadata("planning", triggers=_GUARDS)
    type_annotation_map = TYPES
