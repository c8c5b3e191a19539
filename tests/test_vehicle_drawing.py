"""The drawing's ground: the camera's geometry, what covers what, light in the dark, shapes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from keras_transfer.drawn_vehicles.atmosphere import Atmosphere, random_atmosphere
from keras_transfer.drawn_vehicles.canvas import NOT_VEHICLE, VEHICLE, Canvas
from keras_transfer.drawn_vehicles.geometry import Viewpoint, at_depth, box, circle, mix, rounded, shade
from keras_transfer.drawn_vehicles.pen import Pen
from keras_transfer.drawn_vehicles.photography import expose

RED, BLUE, WARM = (200.0, 0.0, 0.0), (0.0, 0.0, 200.0), (250.0, 200.0, 100.0)


def viewpoint(*, yaw: float = 0.0, roll: float = 0.0) -> Viewpoint:
    """10 m from the origin and 2 m high: at the origin, 1 metre is 10 pixels and the road is in row 60."""
    return Viewpoint(
        distance_metres=10.0,
        height_metres=2.0,
        yaw_radians=yaw,
        roll_radians=roll,
        focal_pixels=100.0,
        centre_pixels=(50.0, 40.0),
    )


def atmosphere(*, visibility_metres: float = 1e9, is_dark: bool = False) -> Atmosphere:
    return Atmosphere(
        sun=np.array([0.0, 1.0, 0.0]),
        sun_strength=0.0,
        zenith=(0.0, 0.0, 0.0),
        horizon=(100.0, 100.0, 100.0),
        light=(1.0, 1.0, 1.0),
        visibility_metres=visibility_metres,
        is_dark=is_dark,
        precipitation="none",
    )


def canvas(*, visibility_metres: float = 1e9, is_dark: bool = False) -> Canvas:
    air = atmosphere(visibility_metres=visibility_metres, is_dark=is_dark)
    return Canvas((100, 80), viewpoint=viewpoint(), atmosphere=air)


@pytest.mark.parametrize(
    ("point", "pixel", "depth"),
    [
        ((0.0, 0.0, 0.0), (50.0, 60.0), 10.0),
        ((1.0, 2.0, 5.0), (70.0, 40.0), 5.0),
        ((-3.0, 4.0, -10.0), (35.0, 30.0), 20.0),
    ],
)
def test_a_level_camera_projects_by_the_rule_of_three(
    point: tuple[float, float, float], pixel: tuple[float, float], depth: float
) -> None:
    seen, metres = viewpoint().project(np.array([point]))
    np.testing.assert_allclose(seen, [pixel])
    np.testing.assert_allclose(metres, [depth])


def test_a_quarter_turn_of_the_world_brings_its_left_to_the_front() -> None:
    seen, metres = viewpoint(yaw=math.pi / 2).project(np.array([(-5.0, 2.0, 1.0)]))
    np.testing.assert_allclose(metres, [5.0])
    np.testing.assert_allclose(seen, [(70.0, 40.0)])


def test_a_quarter_roll_turns_the_picture_clockwise() -> None:
    seen, _ = viewpoint(roll=math.pi / 2).project(np.array([(1.0, 2.0, 0.0)]))
    np.testing.assert_allclose(seen, [(50.0, 50.0)])


def test_the_eye_goes_to_the_left_where_the_world_turns_to_show_its_left() -> None:
    view = viewpoint(yaw=0.3)
    np.testing.assert_allclose(view.eye, [-10 * math.sin(0.3), 2.0, 10 * math.cos(0.3)])


@pytest.mark.parametrize("z", [-8.0, 0.0, 3.0])
def test_x_at_finds_the_place_that_is_seen_in_a_column(z: float) -> None:
    view = viewpoint(yaw=0.25)
    seen, _ = view.project(np.array([(view.x_at(17.0, z=z), 0.7, z)]))
    assert seen[0, 0] == pytest.approx(17.0)


def test_box_and_circle_have_the_corners_that_they_name() -> None:
    np.testing.assert_array_equal(box(1, 2, 3, 4), [(1, 2), (1, 4), (3, 4), (3, 2)])
    np.testing.assert_allclose(np.hypot(*(circle((1.0, 2.0), 3.0) - (1, 2)).T), 3.0)


def test_rounding_cuts_corners_but_keeps_the_middle_of_each_edge() -> None:
    curve = rounded(box(0, 0, 4, 4), 1.0, steps=3)
    assert len(curve) == 12
    np.testing.assert_allclose(curve[0], (1, 0))
    np.testing.assert_allclose(curve[1], (0.25, 0.25))
    np.testing.assert_allclose(curve[2], (0, 1))


def test_colours_mix_in_proportion_and_never_pass_white() -> None:
    assert mix((0.0, 100.0, 200.0), (100.0, 100.0, 0.0), 0.25) == (25.0, 100.0, 150.0)
    assert shade((100.0, 200.0, 10.0), 2.0) == (200.0, 255.0, 20.0)


def test_air_replaces_all_but_one_part_in_e_of_a_colour_at_the_visibility() -> None:
    assert atmosphere(visibility_metres=50.0).fade(50.0) == pytest.approx(1 - 1 / math.e)


def test_a_far_shape_takes_the_colour_of_the_air() -> None:
    foggy = canvas(visibility_metres=10 / math.log(2))  # half of each colour is left at 10 metres
    foggy.face(at_depth(box(-1, 1, 1, 3), 0.0), RED)
    np.testing.assert_allclose(np.asarray(foggy.image)[40, 50], (150, 50, 50), atol=1)


def test_the_mask_holds_what_is_on_top() -> None:
    drawing = canvas()
    drawing.marking = VEHICLE
    drawing.face(at_depth(box(-2, 0, 2, 4), 0.0), RED)
    drawing.marking = NOT_VEHICLE
    drawing.face(at_depth(box(0, -1, 3, 5), 0.0), BLUE)
    mask = np.asarray(drawing.mask)
    assert mask[40, 35] == VEHICLE
    assert mask[40, 55] == NOT_VEHICLE
    assert mask[40, 20] == NOT_VEHICLE


def test_a_translucent_shape_changes_the_picture_but_not_the_mask() -> None:
    drawing = canvas()
    drawing.marking = VEHICLE
    drawing.face(at_depth(box(-2, 0, 2, 4), 0.0), RED)
    drawing.marking = NOT_VEHICLE
    drawing.glaze(at_depth(box(-2, 0, 2, 4), 0.0), BLUE, opacity=0.5)
    assert np.asarray(drawing.mask)[40, 50] == VEHICLE
    np.testing.assert_allclose(np.asarray(drawing.image)[40, 50], (100, 0, 100), atol=1)


def test_a_gradient_runs_from_the_top_to_the_bottom_of_its_shape() -> None:
    drawing = canvas()
    drawing.gradient(at_depth(box(-2, 0, 2, 4), 0.0), [RED, BLUE])  # rows 20 to 60
    column = np.asarray(drawing.image)[20:60, 50].astype(float)
    np.testing.assert_allclose(column[:, 0], np.linspace(200, 5, 40), atol=1)
    np.testing.assert_allclose(column[:, 2], np.linspace(0, 195, 40), atol=1)


def test_what_is_opaque_hides_the_light_of_a_lamp_behind_it() -> None:
    night = canvas(is_dark=True)
    night.face(at_depth(box(-1, 1, 1, 3), 0.0), RED, glow=WARM)
    assert night.emission.getpixel((50, 40)) == (250, 200, 100)
    night.face(at_depth(box(-2, 0, 2, 4), 1.0), BLUE)
    assert night.emission.getpixel((50, 40)) == (0, 0, 0)


def test_shapes_beside_or_behind_the_camera_are_left_out() -> None:
    drawing = canvas()
    drawing.faces(np.stack([at_depth(box(-1, 0, 1, 2), 12.0), at_depth(box(900, 0, 901, 2), 0.0)]), RED)
    assert not np.asarray(drawing.image).any()


def test_a_shadow_is_dark_in_the_middle_and_soft_at_its_edge() -> None:
    drawing = canvas()
    drawing.image.paste((200, 200, 200), (0, 0, 100, 80))
    drawing.shadow(at_depth(box(-3, 0, 3, 4), 0.0)[None], strength=0.5, softness_metres=0.4)  # columns 20 to 80
    row = np.asarray(drawing.image)[40, :, 0]
    assert row[50] == pytest.approx(100, abs=4)
    assert row[5] == 200
    assert 110 < row[20] < 190


@pytest.mark.parametrize(("facing", "column"), [(1, 70), (-1, 30)])
def test_a_pen_puts_the_front_of_a_vehicle_where_it_faces(facing: int, column: int) -> None:
    drawing = canvas()
    pen = Pen(drawing, facing=facing, rng=np.random.default_rng(0))
    pen.side(box(1.5, 0, 2.5, 2), RED, z=0.0)
    assert drawing.image.getpixel((column, 55)) == (200, 0, 0)
    assert drawing.image.getpixel((100 - column, 55)) == (0, 0, 0)


def test_a_pen_draws_only_the_end_that_the_camera_sees() -> None:
    view = viewpoint(yaw=0.5)  # the camera stands to the left
    drawing = Canvas((100, 80), viewpoint=view, atmosphere=atmosphere())
    pen = Pen(drawing, facing=1, rng=np.random.default_rng(0))
    pen.end(1.0, RED, span_z=(-1, 1), span_y=(0, 2))
    assert not np.asarray(drawing.image).any()
    pen.end(-1.0, BLUE, span_z=(-1, 1), span_y=(0, 2))
    assert np.asarray(drawing.image)[..., 2].max() == 200


def lamp_photo(*, is_hidden: bool) -> float:
    night = canvas(is_dark=True)
    night.marking = VEHICLE
    night.face(at_depth(box(-2, 0, 2, 4), 0.0), (0.0, 0.0, 0.0))
    night.halo(np.array([0.0, 2.0, 0.0]), WARM, radius=1.0)
    night.marking = NOT_VEHICLE
    if is_hidden:
        night.face(at_depth(box(-1, 0, 1, 5), 1.0), (0.0, 0.0, 0.0))
    photo, _ = expose(night, shrink=1, rng=np.random.default_rng(0))
    return float(photo[36:44, 46:54].mean())


def test_a_lamp_shines_unless_something_hides_it() -> None:
    assert lamp_photo(is_hidden=False) > lamp_photo(is_hidden=True) + 50


def test_a_photo_is_smaller_than_its_canvas_by_the_given_factor() -> None:
    drawing = canvas()
    drawing.marking = VEHICLE
    drawing.face(at_depth(box(-2, 0, 2, 4), 0.0), RED)
    photo, mask = expose(drawing, shrink=2, rng=np.random.default_rng(0))
    assert photo.shape == (40, 50, 3)
    assert photo.dtype == np.uint8
    np.testing.assert_array_equal(np.argwhere(mask).min(axis=0), (10, 15))
    np.testing.assert_array_equal(np.argwhere(mask).max(axis=0), (30, 35))


def test_scenes_differ_in_time_of_day_weather_and_view() -> None:
    rng = np.random.default_rng(0)
    scenes = [random_atmosphere(rng) for _ in range(200)]
    assert 0.1 < np.mean([scene.is_dark for scene in scenes]) < 0.5
    assert {scene.precipitation for scene in scenes} == {"none", "rain", "snow"}
    np.testing.assert_allclose([np.linalg.norm(scene.sun) for scene in scenes], 1.0)
    assert min(scene.visibility_metres for scene in scenes) < 150 < max(scene.visibility_metres for scene in scenes)
